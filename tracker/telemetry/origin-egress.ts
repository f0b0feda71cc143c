// Asks ingest what the origin has sent, so that what viewers report can be held against it.
// Differences of ingest's counters go through the group commit into the store.

import { parseStreamId, type StreamId } from '@shoal/ingest/protocol';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { IngestHealth } from '../protocol/index.ts';
import { maxListedStreams } from './telemetry-store.ts';

// Only what is needed of StreamList: ingest may grow new fields without breaking the tracker.
const streamList = z.object({
  streams: z.array(
    z.object({
      id: z.string(),
      state: z.enum(['live', 'reconnecting', 'ended']),
      originEgressBytes: z.number().min(0),
      renditions: z.array(z.object({ bandwidthBps: z.number().positive() })).optional(),
    }),
  ),
  recordings: z.array(z.object({ stream: z.string() })).optional(),
});

const maxAnswerBytes = 4 * 1024 * 1024;

export interface OriginEgressOptions {
  /** Base URL of ingest. */
  readonly ingestUrl: string;
  readonly pollIntervalMs: number;
  readonly timeoutMs: number;
  readonly logger: Logger;
  readonly onEgress: (bytesByStream: ReadonlyMap<StreamId, number>, nowMs: number) => Promise<void>;
}

export class OriginEgress {
  readonly #options: OriginEgressOptions;
  readonly #abort = new AbortController();
  /** Counters of the last answer; `null` before the first, whose past is not known. */
  #lastBytes: ReadonlyMap<StreamId, number> | null = null;
  #liveStreams: readonly StreamId[] = [];
  #reconnectingStreams: readonly StreamId[] = [];
  #maxBitratesBps: ReadonlyMap<StreamId, number> = new Map();
  #knownStreams: ReadonlySet<string> | null = null;
  #isReachable: boolean | null = null;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void>;

  constructor(options: OriginEgressOptions) {
    this.#options = options;
    this.#running = this.#poll();
  }

  /** Whether ingest answered last time; `null` before the first answer. */
  get isReachable(): boolean | null {
    return this.#isReachable;
  }

  /** Streams on air by the last answer; none while ingest does not answer. */
  get liveStreams(): readonly StreamId[] {
    return this.#liveStreams;
  }

  get health(): IngestHealth {
    return {
      isReachable: this.#isReachable,
      liveStreams: this.#liveStreams,
      reconnectingStreams: this.#reconnectingStreams,
    };
  }

  /**
   * Whether ingest has broadcasts or recordings of this stream, by its last answer; `null` before
   * the first.
   */
  knows(stream: StreamId): boolean | null {
    return this.#knownStreams?.has(stream) ?? null;
  }

  /** The bandwidth of a stream's best rendition by the last answer, `null` when it is not known. */
  maxBitrateBps(stream: StreamId): number | null {
    return this.#maxBitratesBps.get(stream) ?? null;
  }

  /** Stops asking. Idempotent. */
  async close(): Promise<void> {
    this.#abort.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#running;
  }

  async #poll(): Promise<void> {
    try {
      const { streams, recordings = [] } = await this.#fetchStreams();
      if (this.#isReachable === false) this.#options.logger.info('ingest answers again');
      this.#isReachable = true;
      await this.#report(streams.slice(0, maxListedStreams));
      this.#knownStreams = new Set([
        ...streams.map(({ id }) => id),
        ...recordings.map(({ stream }) => stream),
      ]);
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#onFailure(error);
    }
    if (this.#abort.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#running = this.#poll();
    }, this.#options.pollIntervalMs);
  }

  async #fetchStreams(): Promise<z.output<typeof streamList>> {
    const response = await fetch(`${this.#options.ingestUrl}/api/v1/streams`, {
      signal: AbortSignal.any([this.#abort.signal, AbortSignal.timeout(this.#options.timeoutMs)]),
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`ingest answered ${response.status}`);
    }
    if (Number(response.headers.get('content-length') ?? 0) > maxAnswerBytes) {
      await response.body?.cancel();
      throw new Error('the stream list is too large');
    }
    return streamList.parse(await response.json());
  }

  async #report(streams: z.output<typeof streamList>['streams']): Promise<void> {
    const bytes = new Map<StreamId, number>();
    const live: StreamId[] = [];
    const reconnecting: StreamId[] = [];
    const bitratesBps = new Map<StreamId, number>();
    for (const { id, state, originEgressBytes, renditions = [] } of streams) {
      const stream = parseStreamId(id);
      if (stream === null) continue;
      bytes.set(stream, (bytes.get(stream) ?? 0) + originEgressBytes);
      if (state !== 'ended') live.push(stream);
      if (state === 'reconnecting') reconnecting.push(stream);
      const best = Math.max(0, ...renditions.map(({ bandwidthBps }) => bandwidthBps));
      if (best > 0) bitratesBps.set(stream, best);
    }
    const deltas = egressDeltas(this.#lastBytes, bytes);
    this.#lastBytes = bytes;
    this.#liveStreams = live;
    this.#reconnectingStreams = reconnecting;
    this.#maxBitratesBps = bitratesBps;
    await this.#options.onEgress(deltas, Date.now());
  }

  #onFailure(error: unknown): void {
    this.#liveStreams = [];
    this.#reconnectingStreams = [];
    if (this.#isReachable !== false) {
      this.#options.logger.warn({ err: error }, 'ingest does not answer; egress is unknown');
    }
    this.#isReachable = false;
  }
}

/**
 * Bytes sent per stream between two answers. A counter that went down started anew with ingest, so
 * all of it is new; without an answer before, nothing is.
 */
export function egressDeltas(
  before: ReadonlyMap<StreamId, number> | null,
  after: ReadonlyMap<StreamId, number>,
): ReadonlyMap<StreamId, number> {
  const deltas = new Map<StreamId, number>();
  for (const [stream, bytes] of after) {
    if (before === null) deltas.set(stream, 0);
    else {
      const known = before.get(stream) ?? 0;
      deltas.set(stream, bytes >= known ? bytes - known : bytes);
    }
  }
  return deltas;
}
