// The demo: one synthetic broadcaster and a few headless viewers, each a process of its own, all
// through the same doors as anybody else. `npm start -- --demo` runs it beside the services.

import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { SupervisedProcess } from './supervised-process.ts';

export interface DemoOptions {
  readonly whipUrl: string;
  readonly key: string;
  readonly ffmpegPath: string;
  readonly playlistUrl: string;
  readonly trackerUrl: string;
  /** For the viewers, where the tracker asks for one. */
  readonly viewerToken: string | null;
  readonly viewerCount: number;
  readonly logger: Logger;
}

/** Viewers come one after another: who joins finds somebody to ask. */
const joinIntervalMs = 1_500;
const playlistPollIntervalMs = 500;
const publishTimeoutMs = 40_000;

const fileOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export class Demo {
  readonly #options: DemoOptions;
  readonly #processes: SupervisedProcess[] = [];
  readonly #abort = new AbortController();
  #viewersJoined: Promise<void> = Promise.resolve();
  #closing: Promise<void> | null = null;

  private constructor(options: DemoOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the broadcast is connected; the viewers follow by themselves.
   * @throws when the broadcaster does not connect within 40 s
   */
  static async start(options: DemoOptions, signal?: AbortSignal): Promise<Demo> {
    const demo = new Demo(options);
    const abort = (): void => demo.#abort.abort(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      signal?.throwIfAborted();
      await demo.#broadcast();
    } catch (error) {
      await demo.close();
      throw error;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
    demo.#viewersJoined = demo.#joinViewers();
    return demo;
  }

  /** Ends the viewers, then the broadcast. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#release();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #broadcast(): Promise<void> {
    const { whipUrl, key, ffmpegPath, logger } = this.#options;
    return new Promise((resolve, reject) => {
      const settle = (error?: Error): void => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve();
      };
      const timer = setTimeout(
        () =>
          settle(new Error(`The demo's broadcaster did not connect in ${publishTimeoutMs} ms.`)),
        publishTimeoutMs,
      );
      this.#abort.signal.addEventListener('abort', () => settle(new Error('interrupted')));
      this.#processes.push(
        new SupervisedProcess({
          name: 'broadcaster',
          modulePath: fileOf('./broadcaster-main.ts'),
          argumentList: ['--whip', whipUrl, '--ffmpeg', ffmpegPath, '--log-level', logger.level],
          environment: { SYNTHETIC_BROADCASTER_KEY: key },
          logger,
          onReady: () => settle(),
        }),
      );
    });
  }

  async #joinViewers(): Promise<void> {
    const { playlistUrl, trackerUrl, viewerToken, viewerCount, logger } = this.#options;
    const { signal } = this.#abort;
    while (!signal.aborted && !(await answersOk(playlistUrl, signal))) {
      await pause(playlistPollIntervalMs, signal);
    }
    for (let viewer = 1; viewer <= viewerCount && !signal.aborted; viewer += 1) {
      this.#processes.push(
        new SupervisedProcess({
          name: `viewer ${viewer}`,
          modulePath: fileOf('./headless-viewer-main.ts'),
          argumentList: ['--playlist', playlistUrl, '--tracker', trackerUrl],
          environment: viewerToken === null ? {} : { HEADLESS_VIEWER_TOKEN: viewerToken },
          logger,
        }),
      );
      await pause(joinIntervalMs, signal);
    }
  }

  async #release(): Promise<void> {
    this.#abort.abort();
    await this.#viewersJoined;
    const [broadcaster, ...viewers] = this.#processes;
    await Promise.all(viewers.map((viewer) => viewer.close()));
    await broadcaster?.close();
  }
}

async function answersOk(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(url, { method: 'HEAD', signal });
    return response.ok;
  } catch {
    // Not yet, or interrupted: the caller asks again or stops.
    return false;
  }
}

/** Ends early, without an error, when `signal` is aborted. */
function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, durationMs);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
