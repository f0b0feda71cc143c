// All services in one process: tracker and ingest, each told where the other is, also when the
// system picks their ports. `npm start` runs it, tests and benchmarks may too.

import { Ingest, ingestSetup } from '@shoal/ingest';
import type { Environment } from '@shoal/ingest/environment';
import { livePlaylistPath, type StreamId } from '@shoal/ingest/protocol';
import { Tracker, trackerOptionsOf } from '@shoal/tracker';
import type { Logger } from 'pino';

export interface HouseOptions {
  readonly environment: Environment;
  readonly logger: Logger;
}

/** Where a stream is published and watched, as clients see it. */
export interface StreamUrls {
  readonly whip: string;
  readonly watch: string;
  readonly playlist: string;
}

/** One process is enough on one machine: the heavy work, encoding, is ffmpeg's own process. */
export class House {
  readonly ingest: Ingest;
  readonly tracker: Tracker;
  #closing: Promise<void> | null = null;

  private constructor(ingest: Ingest, tracker: Tracker) {
    this.ingest = ingest;
    this.tracker = tracker;
  }

  /** @throws what a service throws that cannot start; nothing is left running then */
  static async start(options: HouseOptions, signal?: AbortSignal): Promise<House> {
    const { environment, logger } = options;
    const { options: ingestOptions } = ingestSetup(
      environment,
      logger.child({ service: 'ingest' }),
    );
    const ingest = await Ingest.start(ingestOptions, signal);
    try {
      const tracker = await startTracker(ingest, options, signal);
      ingest.announceTracker(tracker.webSocketUrl);
      return new House(ingest, tracker);
    } catch (error) {
      await ingest.close('the tracker did not start');
      throw error;
    }
  }

  /** The WHIP URL is the one on this machine; the others are what clients get to see. */
  urlsOf(stream: StreamId): StreamUrls {
    return {
      whip: `${this.ingest.url}/whip/${stream}`,
      watch: `${this.ingest.publicUrl}/watch/${stream}`,
      playlist: `${this.ingest.publicUrl}${livePlaylistPath(stream)}`,
    };
  }

  /** Finishes the live playlists and stops both services. Idempotent. */
  close(reason: string): Promise<void> {
    this.#closing ??= this.#release(reason);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close('disposed');
  }

  async #release(reason: string): Promise<void> {
    await Promise.all([this.ingest.close(reason), this.tracker.close(reason)]);
  }
}

function startTracker(
  ingest: Ingest,
  { environment, logger }: HouseOptions,
  signal: AbortSignal | undefined,
): Promise<Tracker> {
  const ingestPort = Number(new URL(ingest.url).port);
  const options = trackerOptionsOf(
    { ...environment, SHOAL_INGEST_PORT: ingestPort },
    logger.child({ service: 'tracker' }),
  );
  // It asks the ingest of this process, whatever the public URL leads to.
  return Tracker.start({ ...options, ingestUrl: ingest.url }, signal);
}
