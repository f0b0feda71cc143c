// Makes a beacon's 204 mean "stored": callers wait for the commit that holds their beacon, and
// all who come within a few milliseconds share one. Between the routes, the rollup and the store.

import type { StreamId } from '@shoal/ingest/protocol';
import type { Logger } from 'pino';
import { TrackerError } from '../errors.ts';
import type { AcceptedBeacon } from './pure/accepted-beacon.ts';
import type { BeaconVerdict, Rollup } from './pure/rollup.ts';
import { SessionLookup } from './session-lookup.ts';
import type { TelemetryStore } from './telemetry-store.ts';

/** How long the first beacon of a batch waits for others: latency nobody sees, 40 commits/s at most. */
const gatherMs = 25;
/** After a failed commit its batch is tried again, with or without a new beacon. */
const retryMs = 1_000;

/** Which tracker counts a beacon that may come to several. */
export interface BeaconCounter {
  claim(session: string, sequence: number): Promise<'ours' | 'counted' | 'elsewhere' | 'unknown'>;
  confirm(session: string, sequence: number): void;
}

export interface GroupCommitOptions {
  /** `null`: every beacon comes to this tracker alone. */
  readonly claims: BeaconCounter | null;
  readonly rollup: Rollup;
  readonly store: TelemetryStore;
  readonly logger: Logger;
  /** Beacons that may wait for a commit at once; more are refused. */
  readonly maxWaiting: number;
}

/** Nobody's. */
const probeSession = 'is-the-store-there';

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  /** The commit that gathers now; `null` when nobody waits. */
  #gathering: Promise<void> | null = null;
  /** The end of the commit before it, good or bad: commits never overlap. */
  #previous: Promise<void> = Promise.resolve();
  #retryTimer: NodeJS.Timeout | null = null;
  /** `null` where no other tracker writes to the store. */
  readonly #lookup: SessionLookup | null;
  #waitingCount = 0;
  #isHealthy = true;
  #isClosed = false;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#lookup = options.store.isShared ? new SessionLookup(options.store) : null;
  }

  /** Whether the last commit reached the store. */
  get isHealthy(): boolean {
    return this.#isHealthy;
  }

  /**
   * Counts a beacon and resolves when it is stored. A repeat waits too: the commit of its original
   * may have failed, and then this one carries it.
   * @throws TrackerError `limit-reached` (not counted) or `store-unavailable` (send it again)
   */
  async submitBeacon(
    beacon: AcceptedBeacon,
    nowMs: number,
    region: string | null = null,
  ): Promise<Exclude<BeaconVerdict, 'full'>> {
    if (this.#isClosed || this.#waitingCount >= this.#options.maxWaiting) throw overloaded();
    this.#waitingCount += 1;
    try {
      const claim = await this.#claim(beacon);
      if (claim === 'counted') return 'repeated';
      // With a claim, nobody else counts this beacon.
      if (claim === 'unknown' || this.#options.claims === null) await this.#learnSession(beacon);
      const verdict = this.#options.rollup.addBeacon(beacon, nowMs, region);
      if (verdict === 'full') throw overloaded();
      await this.#nextCommit();
      this.#options.claims?.confirm(beacon.session, beacon.sequence);
      return verdict;
    } finally {
      this.#waitingCount -= 1;
    }
  }

  async #claim({ session, sequence }: AcceptedBeacon): Promise<'ours' | 'counted' | 'unknown'> {
    const claim = (await this.#options.claims?.claim(session, sequence)) ?? 'ours';
    if (claim !== 'elsewhere') return claim;
    throw new TrackerError(
      'limit-reached',
      'Another tracker counts this beacon now; send it again with the same sequence number.',
    );
  }

  /** Other trackers may have counted beacons of this session: what they counted is stored. */
  async #learnSession({ session, sequence }: AcceptedBeacon): Promise<void> {
    if (this.#lookup === null || sequence === 0) return;
    try {
      const record = await this.#lookup.find(session);
      if (record !== null) this.#options.rollup.sessions.learn(record);
    } catch (error) {
      this.#onFailure(error);
      throw unavailable(error);
    }
  }

  /** Notes origin egress for the next commit; if that fails, a later one carries it. */
  submitEgress(bytesByStream: ReadonlyMap<StreamId, number>, nowMs: number): void {
    if (this.#isClosed) return;
    this.#options.rollup.addEgress(bytesByStream, nowMs);
    this.#commitInBackground();
  }

  /** Stores what is pending and takes nothing more. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#retryTimer !== null) {
      clearTimeout(this.#retryTimer);
      this.#retryTimer = null;
      this.#commitInBackground();
    }
    await this.#previous;
  }

  /** For callers without an answer to give: a failure is logged and its batch kept. */
  #commitInBackground(): void {
    this.#nextCommit().catch(() => {});
  }

  #nextCommit(): Promise<void> {
    if (this.#gathering === null) {
      const commit = this.#gatherAndCommit();
      this.#gathering = commit;
      this.#previous = commit.catch(() => {});
    }
    return this.#gathering;
  }

  async #gatherAndCommit(): Promise<void> {
    const previous = this.#previous;
    await new Promise((resolve) => setTimeout(resolve, gatherMs));
    await previous;
    // From here on a new caller belongs to the next commit.
    this.#gathering = null;
    const { rollup, store, logger } = this.#options;
    const batch = rollup.takePending();
    if (batch === null && this.#isHealthy) return;
    try {
      // Without a batch a store that has failed is only asked whether it is there again.
      if (batch === null) await store.findSessions([probeSession]);
      else await store.commit(batch);
      if (!this.#isHealthy) logger.info('telemetry is stored again');
      this.#isHealthy = true;
    } catch (error) {
      if (batch !== null) rollup.returnPending(batch);
      this.#onFailure(error);
      throw unavailable(error);
    }
  }

  #onFailure(error: unknown): void {
    const { logger } = this.#options;
    if (this.#isHealthy) logger.error({ err: error }, 'telemetry cannot be stored');
    this.#isHealthy = false;
    this.#retryLater();
  }

  #retryLater(): void {
    if (this.#isClosed || this.#retryTimer !== null) return;
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = null;
      this.#commitInBackground();
    }, retryMs);
  }
}

function overloaded(): TrackerError {
  return new TrackerError('limit-reached', 'Keep the counters and send them with a later beacon.');
}

function unavailable(cause: unknown): TrackerError {
  return new TrackerError(
    'store-unavailable',
    'The beacon could not be stored; send it again with the same sequence number.',
    { cause },
  );
}
