// Which recordings are kept: by age and by size together, the oldest go first. The composition root
// starts the keeper, which asks the pure rule and deletes through the archive.

import type { Logger } from 'pino';
import type { RecordingArchive } from './recording-archive.ts';
import type { RecordingSummary } from './recording-description.ts';

export interface RetentionPolicy {
  /** Since the end of the broadcast; `null` keeps recordings of any age. */
  readonly maxAgeSeconds: number | null;
  /** Of all recordings together; `null` for no bound. */
  readonly maxTotalBytes: number | null;
}

/** The recordings to delete, oldest first. */
export function expiredRecordings(
  recordings: readonly RecordingSummary[],
  policy: RetentionPolicy,
  nowMs: number,
): readonly RecordingSummary[] {
  const oldestFirst = recordings.toSorted((a, b) => Date.parse(a.endedAt) - Date.parse(b.endedAt));
  const { maxAgeSeconds, maxTotalBytes } = policy;
  let totalBytes = oldestFirst.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return oldestFirst.filter(({ endedAt, sizeBytes }) => {
    const ageSeconds = (nowMs - Date.parse(endedAt)) / 1000;
    const isTooOld = maxAgeSeconds !== null && ageSeconds > maxAgeSeconds;
    const isTooMuch = maxTotalBytes !== null && totalBytes > maxTotalBytes;
    if (isTooOld || isTooMuch) totalBytes -= sizeBytes;
    return isTooOld || isTooMuch;
  });
}

export interface RetentionKeeperOptions {
  readonly archive: RecordingArchive;
  readonly policy: RetentionPolicy;
  readonly logger: Logger;
  /** Told of each recording that was deleted. */
  readonly onDeleted: (recording: RecordingSummary) => void;
}

const checkIntervalMs = 60_000;

export class RetentionKeeper {
  readonly #options: RetentionKeeperOptions;
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | null = null;

  constructor(options: RetentionKeeperOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.check(), checkIntervalMs);
    this.check();
  }

  /** Deletes what has expired; called each minute, and may be called at any time. */
  check(): void {
    this.#running ??= this.#check().finally(() => {
      this.#running = null;
    });
  }

  /** Resolves when nothing is being deleted. Idempotent. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  async #check(): Promise<void> {
    const { archive, policy, logger, onDeleted } = this.#options;
    for (const recording of expiredRecordings(archive.summaries, policy, Date.now())) {
      try {
        await archive.delete(recording.stream, recording.recording);
        onDeleted(recording);
        logger.info({ stream: recording.stream, recording: recording.recording }, 'expired');
      } catch (error) {
        // The next check tries again.
        logger.warn({ err: error, recording: recording.recording }, 'a recording was not deleted');
        return;
      }
    }
  }
}
