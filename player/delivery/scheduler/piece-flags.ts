// One flag per piece of a segment, at most 64, as two words: what a viewer has, asks for or is told
// about pieces is kept in these, and compared a whole segment at a time.

/** Pieces of one half of a segment: `lo` is the first 32, `hi` the rest. */
export class PieceFlags {
  readonly length: number;
  lo = 0;
  hi = 0;

  constructor(pieceCount: number) {
    this.length = pieceCount;
  }

  /** Reads the wire form: bit `i & 7` of byte `i >> 3` is piece `i`. */
  static fromBits(bits: Uint8Array, pieceCount: number): PieceFlags {
    const flags = new PieceFlags(pieceCount);
    flags.lo = wordOf(bits, 0) & firstWord(pieceCount);
    flags.hi = wordOf(bits, 4) & firstWord(pieceCount - 32);
    return flags;
  }

  /** How many are set. */
  get count(): number {
    return bitCount(this.lo) + bitCount(this.hi);
  }

  get isEmpty(): boolean {
    return (this.lo | this.hi) === 0;
  }

  get isFull(): boolean {
    return this.lo === firstWord(this.length) && this.hi === firstWord(this.length - 32);
  }

  has(piece: number): boolean {
    if (piece < 0 || piece >= this.length) return false;
    return (((piece < 32 ? this.lo : this.hi) >>> (piece & 31)) & 1) === 1;
  }

  /** `true` when it was not set before. */
  set(piece: number): boolean {
    if (piece < 0 || piece >= this.length || this.has(piece)) return false;
    if (piece < 32) this.lo |= 1 << piece;
    else this.hi |= 1 << (piece & 31);
    return true;
  }

  clear(piece: number): void {
    if (piece < 32) this.lo &= ~(1 << piece);
    else this.hi &= ~(1 << (piece & 31));
  }

  addAll(other: PieceFlags): void {
    this.lo |= other.lo;
    this.hi |= other.hi;
  }

  toBits(): Uint8Array {
    const bits = new Uint8Array(Math.ceil(this.length / 8));
    for (let index = 0; index < bits.length; index += 1)
      bits[index] = (index < 4 ? this.lo : this.hi) >>> ((index & 3) * 8);
    return bits;
  }
}

/** Calls `visit` for every piece of the two words, in ascending order. */
export function forEachPiece(lo: number, hi: number, visit: (piece: number) => void): void {
  for (let word = lo; word !== 0; word &= word - 1) visit(31 - Math.clz32(word & -word));
  for (let word = hi; word !== 0; word &= word - 1) visit(63 - Math.clz32(word & -word));
}

/** The word in which the first `count` bits are set. */
export function firstWord(count: number): number {
  if (count <= 0) return 0;
  return count >= 32 ? -1 : (1 << count) - 1;
}

export function bitCount(word: number): number {
  let sum = word - ((word >>> 1) & 0x55555555);
  sum = (sum & 0x33333333) + ((sum >>> 2) & 0x33333333);
  return (((sum + (sum >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}

function wordOf(bits: Uint8Array, offset: number): number {
  return (
    (bits[offset] ?? 0) |
    ((bits[offset + 1] ?? 0) << 8) |
    ((bits[offset + 2] ?? 0) << 16) |
    ((bits[offset + 3] ?? 0) << 24)
  );
}
