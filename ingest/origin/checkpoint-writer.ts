// Writes down what a broadcast has listed, soon after each segment, so that a crash loses none of
// it. The broadcast calls it; the recording archive finishes recordings from what it wrote.

import type { Logger } from 'pino';
import type { Presentation } from './live-stream.ts';
import type { RecordingArchive } from './recording-archive.ts';

export interface CheckpointWriterOptions {
  readonly archive: RecordingArchive;
  readonly presentation: Presentation;
  readonly logger: Logger;
}

/** Segments of each rendition in one part, which is written again until it is full. */
const segmentsPerPart = 32;

export class CheckpointWriter {
  readonly #options: CheckpointWriterOptions;
  /** The part that is being filled. */
  #part = 0;
  #isDue = false;
  #running: Promise<void> | null = null;

  constructor(options: CheckpointWriterOptions) {
    this.#options = options;
  }

  /** Something was listed. Calls while a part is being written lead to one more write. */
  save(): void {
    this.#isDue = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
  }

  /** Resolves when nothing is being written. */
  async settle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    const { archive, presentation, logger } = this.#options;
    while (this.#isDue) {
      this.#isDue = false;
      const count = presentation.segmentCount;
      try {
        for (let part = this.#part; part * segmentsPerPart < count; part += 1) {
          const first = part * segmentsPerPart;
          await archive.checkpoint(presentation.describe(first, first + segmentsPerPart), part);
          if (first + segmentsPerPart <= count) this.#part = part + 1;
        }
      } catch (error) {
        // The next segment tries again.
        logger.warn({ err: error }, 'a checkpoint could not be saved');
      }
    }
  }
}
