// Joins a swarm when the viewer allows it and the code for it is there, and leaves it again. The
// code is brought when it is first needed: a page without peers never loads it.

/** What a source needs of its switch, whatever code it brings. */
export interface PeerGate {
  /** Allowed, and the code is on its way. */
  readonly isJoining: boolean;
  allow(isAllowed: boolean): void;
  close(): void;
}

export class PeerSwitch<Code> implements PeerGate {
  readonly #load: () => Promise<Code>;
  readonly #apply: (code: Code | null) => void;
  #isAllowed = false;
  #code: Code | null = null;
  #isLoading = false;
  #closed = false;

  /** @param apply joins with the code, or leaves with `null`; may be called again with the same */
  constructor(load: () => Promise<Code>, apply: (code: Code | null) => void) {
    this.#load = load;
    this.#apply = apply;
  }

  get isJoining(): boolean {
    return this.#isAllowed && this.#isLoading && !this.#closed;
  }

  allow(isAllowed: boolean): void {
    if (this.#closed || this.#isAllowed === isAllowed) return;
    this.#isAllowed = isAllowed;
    if (!isAllowed || this.#code !== null) this.#apply(isAllowed ? this.#code : null);
    else if (!this.#isLoading) void this.#loadAndJoin();
  }

  close(): void {
    this.#closed = true;
  }

  async #loadAndJoin(): Promise<void> {
    this.#isLoading = true;
    try {
      this.#code = await this.#load();
      if (this.#isAllowed && !this.#closed) this.#apply(this.#code);
    } catch (error) {
      console.warn('Shoal: peers are off, their code could not be loaded.', error);
    } finally {
      this.#isLoading = false;
    }
  }
}
