// A viewer that behaves well except that every segment it serves to others is not what it should
// be: the attack of "Stealthy Peers" (DSN 2024), for the tests that must withstand it.

/** Stands at every 1 KiB of what a corrupting viewer serves; occurs in no real segment. */
export const corruptionMark = 'SHOAL-CORRUPTED-BY-A-PEER';

const markBytes = new TextEncoder().encode(corruptionMark);

/** Counts what a lying viewer has given away. */
export class CorruptedServing {
  #servedCount = 0;

  /** How often it has served something. */
  get servedCount(): number {
    return this.#servedCount;
  }

  /** For the option `serve` of a headless viewer. */
  readonly serve = (bytes: Uint8Array): Uint8Array => {
    const corrupted = bytes.slice();
    this.#servedCount += 1;
    for (let offset = 0; offset + markBytes.length <= corrupted.length; offset += 1_024) {
      corrupted.set(markBytes, offset);
    }
    return corrupted;
  };
}
