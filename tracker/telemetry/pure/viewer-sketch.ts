// How many different viewers there were, in a form that can be joined with others: their hashes
// while they are few, else HyperLogLog. Pure; rollups fill sketches, stores join and keep them.

/** A hash of 64 bits in two halves. */
export type ViewerHash = readonly [high: number, low: number];

/** Up to here every viewer is known by its hash, and the count is exact. */
export const exactBound = 512;

/** 2^12 registers: a standard error of 1.04 / √4096 = 1.6 %, in 4 KiB. */
const indexBits = 12;
const registerCount = 2 ** indexBits;
/** Flajolet et al. 2007, for 128 and more registers. */
const alpha = 0.7213 / (1 + 1.079 / registerCount);

const exactKind = 0;
const registersKind = 1;
const hashBytes = 8;

export class ViewerSketch {
  /** Hexadecimal hashes; `null` once there are too many. */
  #hashes: Set<string> | null = new Set();
  #registers: Uint8Array | null = null;

  /** The sketch in `bytes`, an empty one for what is none. */
  static decode(bytes: Uint8Array): ViewerSketch {
    const sketch = new ViewerSketch();
    const body = bytes.subarray(1);
    if (bytes[0] === registersKind && body.length === registerCount) {
      sketch.#hashes = null;
      sketch.#registers = Uint8Array.from(body);
    } else if (bytes[0] === exactKind) {
      const text = hexOf(body);
      for (let start = 0; start + 2 * hashBytes <= text.length; start += 2 * hashBytes) {
        sketch.#hashes?.add(text.slice(start, start + 2 * hashBytes));
      }
    }
    return sketch;
  }

  encode(): Uint8Array {
    if (this.#registers !== null) return Uint8Array.of(registersKind, ...this.#registers);
    const text = [...(this.#hashes ?? [])].sort().join('');
    return Uint8Array.of(exactKind, ...bytesOf(text));
  }

  add([high, low]: ViewerHash): void {
    if (this.#registers !== null) raise(this.#registers, high, low);
    else {
      this.#hashes?.add(hex32(high) + hex32(low));
      this.#settle();
    }
  }

  /** Adds what the other one has seen. */
  join(other: ViewerSketch): void {
    if (other.#registers !== null) {
      const registers = this.#toRegisters();
      for (const [index, rank] of other.#registers.entries()) {
        if (rank > (registers[index] ?? 0)) registers[index] = rank;
      }
    } else if (this.#hashes !== null) {
      for (const hash of other.#hashes ?? []) this.#hashes.add(hash);
      this.#settle();
    } else for (const hash of other.#hashes ?? []) this.add(halvesOf(hash));
  }

  /** Exact up to {@link exactBound}, else within about 2 %. */
  get count(): number {
    const registers = this.#registers;
    if (registers === null) return this.#hashes?.size ?? 0;
    let sum = 0;
    let empty = 0;
    for (const rank of registers) {
      sum += 2 ** -rank;
      if (rank === 0) empty += 1;
    }
    const estimate = (alpha * registerCount ** 2) / sum;
    // Linear counting, where most registers are empty.
    return Math.round(
      estimate <= 2.5 * registerCount && empty > 0
        ? registerCount * Math.log(registerCount / empty)
        : estimate,
    );
  }

  #settle(): void {
    if ((this.#hashes?.size ?? 0) > exactBound) this.#toRegisters();
  }

  #toRegisters(): Uint8Array {
    if (this.#registers !== null) return this.#registers;
    const registers = new Uint8Array(registerCount);
    for (const hash of this.#hashes ?? []) {
      const [high, low] = halvesOf(hash);
      raise(registers, high, low);
    }
    this.#hashes = null;
    this.#registers = registers;
    return registers;
  }
}

/** The register is chosen by the upper bits of the one half, the rank is that of the other. */
function raise(registers: Uint8Array, high: number, low: number): void {
  const index = high >>> (32 - indexBits);
  const rank = Math.clz32(low) + 1;
  if (rank > (registers[index] ?? 0)) registers[index] = rank;
}

/** A hash of a session's name, the same at every tracker (two rounds of MurmurHash3's mixing). */
export function viewerHash(session: string): ViewerHash {
  return [hashWith(session, 0x9747b28c), hashWith(session, 0x3c6ef372)];
}

function hashWith(text: string, seed: number): number {
  let hash = seed;
  for (let index = 0; index < text.length; index += 1) {
    let block = Math.imul(text.charCodeAt(index), 0xcc9e2d51);
    block = Math.imul((block << 15) | (block >>> 17), 0x1b873593);
    hash ^= block;
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  hash ^= text.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function hex32(value: number): string {
  return value.toString(16).padStart(8, '0');
}

function halvesOf(hash: string): ViewerHash {
  return [Number.parseInt(hash.slice(0, 8), 16), Number.parseInt(hash.slice(8), 16)];
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function bytesOf(hex: string): number[] {
  return Array.from({ length: hex.length / 2 }, (_, index) =>
    Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16),
  );
}
