// What still has to reach the remote store, in order within each broadcast: segments before the
// playlists that name them. The spooled store fills it; failures are tried again until they succeed.

import type { Logger } from 'pino';

export interface UploadQueueOptions {
  /** Uploads what is stored under the key now. A rejection means: try again later. */
  readonly upload: (key: string) => Promise<void>;
  readonly logger: Logger;
  /** Pause after the first failure, doubled with each further one; 500 ms by default. */
  readonly firstDelayMs?: number;
}

export interface UploadStatistics {
  readonly pendingCount: number;
  readonly uploadedCount: number;
  readonly failedTries: number;
  /** Whether the last try of any upload succeeded. */
  readonly isReachable: boolean;
}

const uploadsAtOnce = 8;
const defaultFirstDelayMs = 500;
const maxDelayMs = 30_000;

/** `media/demo/ID/…`, `checkpoints/demo/ID/…` and `recordings/demo/ID.json` are one broadcast. */
function broadcastOf(key: string): string {
  return key
    .replace(/\.json$/, '')
    .split('/')
    .slice(1, 3)
    .join('/');
}

/** The keys of one broadcast; the first is being uploaded while `isRunning`. */
interface Line {
  readonly keys: string[];
  isRunning: boolean;
}

export class UploadQueue {
  readonly #options: UploadQueueOptions;
  readonly #lines = new Map<string, Line>();
  readonly #closing = new AbortController();
  readonly #whenIdle = new Set<() => void>();
  #runningCount = 0;
  #uploadedCount = 0;
  #failedTries = 0;
  #isReachable = true;

  constructor(options: UploadQueueOptions) {
    this.#options = options;
  }

  get statistics(): UploadStatistics {
    const lines = [...this.#lines.values()];
    return {
      pendingCount: lines.reduce((sum, { keys }) => sum + keys.length, 0),
      uploadedCount: this.#uploadedCount,
      failedTries: this.#failedTries,
      isReachable: this.#isReachable,
    };
  }

  /** Uploads the key after everything that its broadcast has waiting. */
  add(key: string): void {
    const name = broadcastOf(key);
    const line = this.#lines.get(name) ?? { keys: [], isRunning: false };
    this.#lines.set(name, line);
    // Newer content may name newer segments: its place is behind them.
    const earlier = line.keys.indexOf(key, line.isRunning ? 1 : 0);
    if (earlier >= 0) line.keys.splice(earlier, 1);
    line.keys.push(key);
    this.#pump();
  }

  /** Forgets the key, unless it is being uploaded now. */
  remove(key: string): void {
    const line = this.#lines.get(broadcastOf(key));
    const index = line?.keys.indexOf(key, line.isRunning ? 1 : 0) ?? -1;
    if (index >= 0) line?.keys.splice(index, 1);
    this.#pump();
  }

  /** Resolves when nothing waits, or after `timeoutMs`, with whether nothing waits. */
  drained(timeoutMs: number): Promise<boolean> {
    if (this.statistics.pendingCount === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.#whenIdle.delete(settle);
        resolve(this.statistics.pendingCount === 0);
      };
      const timer = setTimeout(settle, timeoutMs);
      this.#whenIdle.add(settle);
    });
  }

  /** Starts no further try. Idempotent. */
  close(): void {
    this.#closing.abort();
  }

  #pump(): void {
    for (const [name, line] of this.#lines) {
      if (this.#runningCount >= uploadsAtOnce || this.#closing.signal.aborted) return;
      if (line.isRunning) continue;
      if (line.keys.length === 0) this.#lines.delete(name);
      else void this.#run(line);
    }
    if (this.#lines.size === 0) for (const settle of [...this.#whenIdle]) settle();
  }

  /** Uploads one line's first key, again and again until that succeeds. */
  async #run(line: Line): Promise<void> {
    const [key = ''] = line.keys;
    line.isRunning = true;
    this.#runningCount += 1;
    let delayMs = this.#options.firstDelayMs ?? defaultFirstDelayMs;
    while (!this.#closing.signal.aborted && !(await this.#try(key))) {
      await this.#pause(delayMs * (0.75 + Math.random() / 2));
      delayMs = Math.min(delayMs * 2, maxDelayMs);
    }
    this.#runningCount -= 1;
    line.isRunning = false;
    if (this.#closing.signal.aborted) return;
    line.keys.shift();
    this.#pump();
  }

  async #try(key: string): Promise<boolean> {
    try {
      await this.#options.upload(key);
      this.#uploadedCount += 1;
      if (!this.#isReachable) this.#options.logger.info('the remote store is back');
      this.#isReachable = true;
      return true;
    } catch (error) {
      this.#failedTries += 1;
      if (this.#isReachable) {
        this.#options.logger.warn({ err: error }, 'the remote store is away; uploads wait for it');
      }
      this.#isReachable = false;
      return false;
    }
  }

  #pause(delayMs: number): Promise<void> {
    const { signal } = this.#closing;
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', settle);
        resolve();
      };
      const timer = setTimeout(settle, delayMs);
      signal.addEventListener('abort', settle, { once: true });
    });
  }
}
