// When the scheduler is asked next: a moment after events, which are thought about together, or at the
// time that it has named. Owned by piece-delivery.

/** Events within this time are thought about together. */
const coalesceMs = 2;

export class WakeUp {
  readonly #run: () => void;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isSoon = false;
  #closed = false;

  constructor(run: () => void) {
    this.#run = run;
  }

  /** Something has happened. */
  soon(): void {
    if (this.#isSoon) return;
    this.#isSoon = true;
    this.#set(coalesceMs);
  }

  /** Nothing is to be done before; what happens meanwhile comes first. */
  after(waitMs: number): void {
    if (!this.#isSoon) this.#set(Math.max(1, waitMs));
  }

  now(): void {
    if (this.#closed) return;
    this.#clear();
    this.#isSoon = false;
    this.#run();
  }

  close(): void {
    this.#closed = true;
    this.#clear();
  }

  #set(waitMs: number): void {
    if (this.#closed) return;
    this.#clear();
    this.#timer = setTimeout(() => this.now(), waitMs);
  }

  #clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
