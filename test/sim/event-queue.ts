// Events in order of their time. They lie in short slots of time, which are sorted when their turn
// comes: swarms of thousands plan tens of millions. Equal times run in the order planned.

interface Planned {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export class EventQueue {
  readonly #slotsPerMs: number;
  readonly #slots = new Map<number, Planned[]>();
  #current: Planned[] = [];
  #currentIndex = 0;
  #currentSlot = -1;
  #planned = 0;
  #nowMs = 0;

  /** @param slotsPerMs as many as leave some dozens of events in each */
  constructor(slotsPerMs: number) {
    this.#slotsPerMs = slotsPerMs;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** How many events were planned so far. */
  get plannedCount(): number {
    return this.#planned;
  }

  plan(atMs: number, run: () => void): void {
    this.#planned += 1;
    const event = { atMs: Math.max(atMs, this.#nowMs), order: this.#planned, run };
    const slot = Math.floor(event.atMs * this.#slotsPerMs);
    if (slot <= this.#currentSlot) {
      this.#insert(event);
      return;
    }
    const events = this.#slots.get(slot);
    if (events) events.push(event);
    else this.#slots.set(slot, [event]);
  }

  /** Runs what is planned up to `untilMs`. */
  runUntil(untilMs: number): void {
    while (this.#currentSlot <= untilMs * this.#slotsPerMs) {
      const event = this.#current[this.#currentIndex];
      if (!event) {
        this.#currentSlot += 1;
        this.#current = (this.#slots.get(this.#currentSlot) ?? []).sort(byTime);
        this.#slots.delete(this.#currentSlot);
        this.#currentIndex = 0;
        continue;
      }
      if (event.atMs > untilMs) break;
      this.#currentIndex += 1;
      this.#nowMs = event.atMs;
      event.run();
    }
    this.#nowMs = untilMs;
  }

  /** Into the slot that is being run. */
  #insert(event: Planned): void {
    let index = this.#current.length;
    while (index > this.#currentIndex && (this.#current[index - 1]?.atMs ?? 0) > event.atMs)
      index -= 1;
    this.#current.splice(index, 0, event);
  }
}

function byTime(a: Planned, b: Planned): number {
  return a.atMs - b.atMs || a.order - b.order;
}
