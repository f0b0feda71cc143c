// Listeners by event, with the types of an event map.
// The session owns one for each playback and lets pages listen.

type Listener<Detail> = (detail: Detail) => void;

export class EventListeners<Events extends object> {
  #listeners: { [Name in keyof Events]?: Set<Listener<Events[Name]>> } = {};

  has(event: keyof Events): boolean {
    return (this.#listeners[event]?.size ?? 0) > 0;
  }

  /** Listens until the returned function is called, however often. */
  add<Name extends keyof Events>(event: Name, listener: Listener<Events[Name]>): () => void {
    const listeners = this.#of(event);
    // A wrapper of its own: the same function may listen twice and stop once.
    const own: Listener<Events[Name]> = (detail) => listener(detail);
    listeners.add(own);
    return () => void listeners.delete(own);
  }

  /** A listener that throws does not keep the others, or the caller, from going on. */
  emit<Name extends keyof Events>(event: Name, detail: Events[Name]): void {
    for (const listener of [...this.#of(event)]) {
      try {
        listener(detail);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  clear(): void {
    this.#listeners = {};
  }

  #of<Name extends keyof Events>(event: Name): Set<Listener<Events[Name]>> {
    const listeners: Set<Listener<Events[Name]>> = this.#listeners[event] ?? new Set();
    this.#listeners[event] = listeners;
    return listeners;
  }
}
