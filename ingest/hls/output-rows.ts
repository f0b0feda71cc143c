// Pure: what the packagers of one encoding give, brought into step: an output leaves when every
// rendition has it. So all renditions list the same segments, also when the encoder dies.

import type { PackagerOutput } from './packager.ts';

/** The same output of every rendition, in the order of the renditions; never empty. */
export type OutputRow = readonly PackagerOutput[];

export class OutputRows {
  readonly #lanes: readonly PackagerOutput[][];

  constructor(renditionCount: number) {
    this.#lanes = Array.from({ length: renditionCount }, () => []);
  }

  /** Outputs that some rendition has and another lacks. */
  get incompleteCount(): number {
    return Math.max(0, ...this.#lanes.map((lane) => lane.length));
  }

  /** Takes the next output of a rendition and gives the row that it completes, if any. */
  push(renditionIndex: number, output: PackagerOutput): OutputRow | null {
    this.#lanes[renditionIndex]?.push(output);
    if (this.#lanes.some((lane) => lane.length === 0)) return null;
    return this.#lanes.flatMap((lane) => lane.splice(0, 1));
  }
}
