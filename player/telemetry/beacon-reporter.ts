// Sends delivery beacons to the tracker: what was counted since the last one, at most one every
// five seconds, repeated under the same number until answered, and a last one when the viewer goes.

import {
  type DeliveryBeacon,
  minBeaconIntervalMs,
  type PeerTraffic,
  playerConfigVersionHeader,
  shortPeerId,
} from '@shoal/tracker/protocol';

/** Everything counted since the session began; the reporter makes the differences. */
export interface BeaconTotals {
  readonly cdnBytes: number;
  readonly peerBytes: number;
  readonly uploadedBytes: number;
  readonly discardedBytes: number;
  readonly relayedBytes: number;
  readonly stallCount: number;
  readonly stallSeconds: number;
  readonly playedSeconds: number;
  readonly errorCount?: number | undefined;
  readonly cdnTroubleCount?: number | undefined;
  readonly lateBytes?: number | undefined;
}

/** What is true at the moment of a beacon. */
export interface BeaconState {
  readonly rendition: string | null;
  readonly startupSeconds: number | null;
  readonly liveLatencySeconds: number | null;
  readonly peerCount: number;
  readonly p2pEnabled: boolean;
  readonly heldOut?: boolean | undefined;
  readonly guard?: 'full' | 'careful' | 'off' | undefined;
}

export interface BeaconReporterOptions {
  /** Base URL of the telemetry API. */
  readonly url: string;
  /** The viewer's token at this moment. */
  readonly token: () => string | undefined;
  /** The tracker did not take the token; `true` when another may come, and counters are kept for it. */
  readonly onTokenRefused?: (() => boolean) | undefined;
  readonly session: string;
  readonly stream: string;
  readonly totals: () => BeaconTotals;
  readonly state: () => BeaconState;
  /** Under which id other viewers know this one; absent without peers. */
  readonly viewerId?: string | undefined;
  /** Traffic with neighbours since the last call. */
  readonly takeExchanged?: (() => readonly PeerTraffic[]) | undefined;
  readonly fetch: typeof globalThis.fetch;
  /** `navigator.sendBeacon`, for pages that go away; without it a keep-alive fetch is tried. */
  readonly sendBeacon?: ((url: string, body: string) => boolean) | undefined;
  readonly nowMs: () => number;
  /** The version of the player config that an answer names. */
  readonly onConfigVersion?: ((version: number) => void) | undefined;
}

const zero: BeaconTotals = {
  cdnBytes: 0,
  peerBytes: 0,
  uploadedBytes: 0,
  discardedBytes: 0,
  relayedBytes: 0,
  stallCount: 0,
  stallSeconds: 0,
  playedSeconds: 0,
};
const firstBeaconMs = 2_000;
const requestTimeoutMs = 5_000;
const maxRetryMs = 60_000;

export class BeaconReporter {
  readonly #options: BeaconReporterOptions;
  #reported = zero;
  #reportedAtMs: number;
  #reportedStartup = false;
  #sequence = 0;
  /** Made and not yet answered: goes out again under its number. */
  #pending: DeliveryBeacon | null = null;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #ended = false;

  constructor(options: BeaconReporterOptions) {
    this.#options = options;
    this.#reportedAtMs = options.nowMs();
    this.#schedule(firstBeaconMs);
  }

  /**
   * Sends what is left, marked as the end; resolves when that is answered or given up. Idempotent.
   * @param isPageGoing the page cannot wait for an answer
   */
  async end(isPageGoing: boolean): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    // A beacon without an answer may have been counted or not: its number decides that there.
    const last = [this.#pending, this.#make(true)].filter((beacon) => beacon !== null);
    await Promise.all(last.map((beacon) => this.#sendLast(beacon, isPageGoing)));
  }

  #schedule(delayMs: number): void {
    this.#timer = setTimeout(() => void this.#report(), delayMs);
  }

  async #report(): Promise<void> {
    this.#pending ??= this.#make(false);
    const answered = await this.#post(this.#pending);
    if (this.#ended) return;
    if (answered) {
      this.#pending = null;
      this.#failures = 0;
    } else this.#failures += 1;
    const backoffMs = minBeaconIntervalMs * 2 ** Math.min(this.#failures, 6);
    this.#schedule(Math.min(maxRetryMs, backoffMs));
  }

  #make(ended: boolean): DeliveryBeacon {
    const { options, nowMs, totals, state } = this.#now();
    const before = this.#reported;
    const startupSeconds = this.#reportedStartup ? null : state.startupSeconds;
    if (startupSeconds !== null) this.#reportedStartup = true;
    const beacon: DeliveryBeacon = {
      session: options.session,
      sequence: this.#sequence,
      stream: options.stream,
      rendition: state.rendition,
      intervalMs: Math.round(nowMs - this.#reportedAtMs),
      cdnBytes: totals.cdnBytes - before.cdnBytes,
      peerBytes: totals.peerBytes - before.peerBytes,
      uploadedBytes: totals.uploadedBytes - before.uploadedBytes,
      discardedBytes: totals.discardedBytes - before.discardedBytes,
      relayedBytes: totals.relayedBytes - before.relayedBytes,
      stallCount: totals.stallCount - before.stallCount,
      stallSeconds: rounded(totals.stallSeconds - before.stallSeconds),
      playedSeconds: rounded(totals.playedSeconds - before.playedSeconds),
      startupSeconds: startupSeconds === null ? null : rounded(startupSeconds),
      liveLatencySeconds:
        state.liveLatencySeconds === null ? null : rounded(state.liveLatencySeconds),
      peerCount: state.peerCount,
      p2pEnabled: state.p2pEnabled,
      ...this.#neighbours(),
      ...(state.heldOut && { heldOut: true }),
      ...(state.guard !== undefined && state.guard !== 'full' && { guard: state.guard }),
      ...counted('errorCount', totals, before),
      ...counted('cdnTroubleCount', totals, before),
      ...counted('lateBytes', totals, before),
      ended,
    };
    this.#sequence += 1;
    this.#reported = totals;
    this.#reportedAtMs = nowMs;
    return beacon;
  }

  #neighbours(): Pick<DeliveryBeacon, 'peerId' | 'peers'> {
    const { viewerId, takeExchanged } = this.#options;
    const peerId = viewerId === undefined ? null : shortPeerId(viewerId);
    if (peerId === null || takeExchanged === undefined) return {};
    return { peerId, peers: takeExchanged() };
  }

  #now() {
    const options = this.#options;
    return { options, nowMs: options.nowMs(), totals: options.totals(), state: options.state() };
  }

  async #post(beacon: DeliveryBeacon): Promise<boolean> {
    try {
      const response = await this.#options.fetch(this.#url(), {
        method: 'POST',
        // text/plain needs no preflight; the tracker reads it as JSON.
        headers: { 'content-type': 'text/plain' },
        body: JSON.stringify(beacon),
        keepalive: true,
        signal: AbortSignal.timeout(requestTimeoutMs),
      });
      const version = Number(response.headers.get(playerConfigVersionHeader) ?? Number.NaN);
      if (Number.isFinite(version)) this.#options.onConfigVersion?.(version);
      const isRefused = response.status === 401 || response.status === 403;
      if (isRefused && this.#options.onTokenRefused?.()) return false;
      // What the tracker refuses as wrong (4xx) would be refused again: count it as told.
      return (
        response.ok || (response.status >= 400 && response.status < 500 && response.status !== 429)
      );
    } catch {
      // No tracker: the counters stay in the pending beacon and playback goes on.
      return false;
    }
  }

  async #sendLast(beacon: DeliveryBeacon, isPageGoing: boolean): Promise<void> {
    if (isPageGoing && this.#options.sendBeacon?.(this.#url(), JSON.stringify(beacon))) return;
    await this.#post(beacon);
  }

  #url(): string {
    const token = this.#options.token();
    const query = token ? `?token=${encodeURIComponent(token)}` : '';
    return `${this.#options.url}/api/v1/beacons${query}`;
  }
}

/** What is zero is left out: most beacons have none of it. */
function counted<Name extends 'errorCount' | 'cdnTroubleCount' | 'lateBytes'>(
  name: Name,
  totals: BeaconTotals,
  before: BeaconTotals,
): Partial<Record<Name, number>> {
  const difference = (totals[name] ?? 0) - (before[name] ?? 0);
  return difference > 0 ? ({ [name]: difference } as Partial<Record<Name, number>>) : {};
}

function rounded(seconds: number): number {
  return Math.max(0, Math.round(seconds * 1_000) / 1_000);
}
