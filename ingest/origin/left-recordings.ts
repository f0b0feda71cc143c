// Recordings that a server left when it died and whose publisher went to no other one: finishes them
// once nobody waits any more. The composition root of a cluster's node starts it; the archive does it.

import type { Logger } from 'pino';
import type { StreamId } from '../protocol/index.ts';
import type { CutOffBroadcast, RecordingArchive } from './recording-archive.ts';

export interface LeftRecordingsOptions {
  readonly archive: RecordingArchive;
  /** Whether the stream runs nowhere and nobody waits for its publisher. */
  readonly isLeft: (stream: StreamId) => Promise<boolean>;
  /** Told of each that was finished. */
  readonly onFinished: (broadcast: CutOffBroadcast) => void;
  readonly logger: Logger;
  readonly intervalMs?: number | undefined;
}

/** One listing of the store each time; streams are given up after a minute anyway. */
const defaultIntervalMs = 15_000;

export class LeftRecordings {
  readonly #options: LeftRecordingsOptions;
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | null = null;

  constructor(options: LeftRecordingsOptions) {
    this.#options = options;
    const intervalMs = options.intervalMs ?? defaultIntervalMs;
    this.#timer = setInterval(() => {
      this.#running ??= this.#finish().finally(() => {
        this.#running = null;
      });
    }, intervalMs);
  }

  /** Resolves when nothing is being finished. Idempotent. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  async #finish(): Promise<void> {
    const { archive, isLeft, onFinished, logger } = this.#options;
    try {
      for (const broadcast of await archive.finishLeft(isLeft)) {
        const { stream, recording } = broadcast.description;
        logger.info({ streamId: stream, recording }, 'recording of a lost node finished');
        onFinished(broadcast);
      }
    } catch (error) {
      // The next round tries again.
      logger.warn({ err: error }, 'recordings of lost nodes could not be looked for');
    }
  }
}
