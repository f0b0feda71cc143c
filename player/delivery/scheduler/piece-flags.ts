// One flag per piece of a segment, counted. What a viewer has, asks for or is told about pieces is
// kept in these.

export class PieceFlags {
  readonly #flags: Uint8Array;
  #count = 0;

  constructor(pieceCount: number) {
    this.#flags = new Uint8Array(pieceCount);
  }

  /** Reads the wire form: bit `i & 7` of byte `i >> 3` is piece `i`. */
  static fromBits(bits: Uint8Array, pieceCount: number): PieceFlags {
    const flags = new PieceFlags(pieceCount);
    for (let piece = 0; piece < pieceCount; piece += 1) {
      if (((bits[piece >> 3] ?? 0) >> (piece & 7)) & 1) flags.set(piece);
    }
    return flags;
  }

  get length(): number {
    return this.#flags.length;
  }

  /** How many are set. */
  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count === this.#flags.length;
  }

  has(piece: number): boolean {
    return this.#flags[piece] === 1;
  }

  /** `true` when it was not set before. */
  set(piece: number): boolean {
    if (piece < 0 || piece >= this.#flags.length || this.#flags[piece] === 1) return false;
    this.#flags[piece] = 1;
    this.#count += 1;
    return true;
  }

  clear(piece: number): void {
    if (this.#flags[piece] !== 1) return;
    this.#flags[piece] = 0;
    this.#count -= 1;
  }

  toBits(): Uint8Array {
    const bits = new Uint8Array(Math.ceil(this.#flags.length / 8));
    for (let piece = 0; piece < this.#flags.length; piece += 1) {
      if (this.#flags[piece] === 1) bits[piece >> 3] = (bits[piece >> 3] ?? 0) | (1 << (piece & 7));
    }
    return bits;
  }
}
