// Brings the segments of one rendition to this viewer: peers first, the CDN when its turn comes
// or the play head comes near. Between the loaders above, the exchange and the CDN below.

import { CdnError, type CdnFetcher } from './cdn-fetcher.ts';
import type { DeliveredSegment, DeliveryEvents } from './delivery-events.ts';
import type { Exchange, ExchangeListener, OpenExchange } from './exchange/exchange.ts';
import { endSeconds, type MediaSegment, type RenditionPlaylist } from './media-segment.ts';
import type { PeerSettings } from './peer-settings.ts';
import type { PeerGate } from './peer-switch.ts';
import type { RenditionSource } from './rendition-source.ts';
import { cdnFetchAtMs, cdnTurn } from './scheduler/cdn-turn.ts';
import { SegmentProgress } from './segment-progress.ts';
import type { SegmentStore } from './segment-store.ts';
import { fetchVerified } from './verified-fetch.ts';

export interface RenditionDeliveryOptions {
  readonly store: SegmentStore;
  readonly cdn: CdnFetcher;
  /** This viewer's peer id. */
  readonly viewerId: string;
  readonly nowMs: () => number;
  readonly events: DeliveryEvents;
}

/** How far ahead of the play head segments are asked for: as far as hls.js buffers by default. */
const prefetchSeconds = 30;
/** Fetches from the CDN at one time, besides those that the player waits for. */
const maxPrefetches = 2;
/** Without a neighbour for this long after joining, nobody is waited for. */
const joiningMs = 3_000;
const firstRetryMs = 500;
const maxRetryMs = 8_000;

export class RenditionDelivery implements RenditionSource {
  readonly #options: RenditionDeliveryOptions;
  readonly #joinedAtMs: number;
  readonly #progress = new Map<string, SegmentProgress>();
  #playlist: RenditionPlaylist;
  #exchange: Exchange | null = null;
  #peers: PeerGate | null = null;
  #playheadSeconds: number | null = null;
  #isActive = true;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #closed = false;

  constructor(options: RenditionDeliveryOptions, playlist: RenditionPlaylist) {
    this.#options = options;
    this.#playlist = playlist;
    this.#joinedAtMs = options.nowMs();
    for (const segment of playlist.segments)
      this.#progress.set(segment.url, new SegmentProgress(segment, true));
  }

  get peerCount(): number {
    return this.#exchange?.neighbourIds.size ?? 0;
  }

  /** Leaves it to `peers` when the exchange is opened. */
  joinWith(peers: PeerGate): void {
    this.#peers = peers;
  }

  allowPeers(isAllowed: boolean): void {
    this.#peers?.allow(isAllowed);
  }

  /** This exchange has no limit of its own: it sends or it does not. */
  configurePeers({ canUpload }: PeerSettings): void {
    this.#options.store.canServe = canUpload;
    this.#exchange?.announce();
  }

  canLoad(): boolean {
    return true;
  }

  /** Opens the swarm, or leaves it. Idempotent. */
  setExchange(open: OpenExchange | null): void {
    if (this.#closed || (open === null) === (this.#exchange === null)) return;
    if (open === null) {
      this.#exchange?.close();
      this.#exchange = null;
      for (const progress of this.#progress.values()) progress.isReceiving = false;
    } else {
      this.#exchange = open(this.#playlist, this.#listener());
      if (this.#playheadSeconds !== null) this.#exchange.updatePlayhead(this.#playheadSeconds);
    }
    this.#options.events.onPeerCount(this.peerCount);
    this.#plan();
  }

  updatePlaylist(playlist: RenditionPlaylist): void {
    if (this.#closed) return;
    this.#playlist = playlist;
    const urls = new Set(playlist.segments.map((segment) => segment.url));
    for (const segment of playlist.segments) {
      const known = this.#progress.get(segment.url);
      if (known) known.segment = segment;
      else this.#progress.set(segment.url, new SegmentProgress(segment, !playlist.isLive));
    }
    for (const [url, progress] of this.#progress) if (!urls.has(url)) this.#forget(url, progress);
    this.#options.store.retain(urls);
    this.#exchange?.updatePlaylist(playlist);
    this.#plan();
  }

  updatePlayhead(positionSeconds: number): void {
    this.#playheadSeconds = positionSeconds;
    this.#exchange?.updatePlayhead(positionSeconds);
    this.#plan();
  }

  /** `false` for a rendition that was switched away from: it serves what it has, fetches nothing. */
  setActive(isActive: boolean): void {
    this.#isActive = isActive;
    if (!isActive) for (const progress of this.#progress.values()) this.#cancel(progress);
    this.#plan();
  }

  /**
   * The segment, for the player.
   * @throws CdnError when the CDN cannot deliver either; `AbortError` when `signal` aborts
   */
  async load(segment: MediaSegment, signal: AbortSignal): Promise<DeliveredSegment> {
    let progress = this.#progress.get(segment.url);
    if (!progress) {
      progress = new SegmentProgress(segment, true);
      this.#progress.set(segment.url, progress);
    }
    if (this.#playheadSeconds === null) this.updatePlayhead(segment.startSeconds);
    progress.retryAtMs = 0;
    const delivered = progress.wait(signal);
    const stored = this.#options.store.get(segment.url);
    if (stored) this.#deliver(progress, stored);
    else {
      // What the store had to give up comes again; it has been counted once.
      progress.source = null;
      this.#plan();
    }
    try {
      return await delivered;
    } finally {
      // Nobody waits for it, here or elsewhere: what is wanted instead needs the line.
      if (!progress.isDemanded && this.peerCount === 0) progress.attempt?.controller.abort();
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#peers?.close();
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const [url, progress] of this.#progress) this.#forget(url, progress);
    this.#exchange?.close();
    this.#exchange = null;
    this.#options.store.clear();
  }

  #listener(): ExchangeListener {
    const progressOf = (segment: MediaSegment) => this.#progress.get(segment.url);
    return {
      onReceiving: (segment) => {
        const progress = progressOf(segment);
        if (progress) progress.isReceiving = true;
        this.#plan();
      },
      onReceiveFailed: (segment) => {
        const progress = progressOf(segment);
        if (progress) progress.isReceiving = false;
        this.#plan();
      },
      onReceived: (segment, bytes) => {
        const progress = progressOf(segment);
        if (!progress || progress.source !== null) {
          this.#options.events.onDiscarded(bytes.byteLength);
          return;
        }
        progress.source = 'peer';
        progress.attempt?.controller.abort();
        this.#store(progress, bytes);
      },
      onDiscarded: (sizeBytes) => this.#options.events.onDiscarded(sizeBytes),
      onUploaded: (sizeBytes) => this.#options.events.onUploaded(sizeBytes),
      onNeighboursChanged: () => {
        this.#options.events.onPeerCount(this.peerCount);
        this.#plan();
      },
      isBeingFetched: (segment) => {
        const attempt = progressOf(segment)?.attempt;
        return attempt !== undefined && attempt !== null && !attempt.isHedge;
      },
    };
  }

  /** Fetches what is due, asks peers for the rest, and wakes up for what is due next. */
  #plan(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#closed || !this.#isActive) return;
    const nowMs = this.#options.nowMs();
    let nextMs = Number.POSITIVE_INFINITY;
    let firstMissing: MediaSegment | null = null;
    let attempts = 0;
    for (const { attempt } of this.#progress.values()) if (attempt) attempts += 1;
    for (const progress of this.#progress.values()) {
      if (progress.attempt || progress.source !== null) continue;
      if (!this.#isWanted(progress)) {
        progress.wantedAtMs = null;
        continue;
      }
      progress.wantedAtMs ??= nowMs;
      firstMissing ??= progress.segment;
      const atMs = Math.max(
        progress.retryAtMs,
        this.#fetchAtMs(progress, progress.wantedAtMs, nowMs),
      );
      if (atMs > nowMs) nextMs = Math.min(nextMs, atMs);
      else if (progress.isDemanded || attempts < maxPrefetches) {
        attempts += 1;
        void this.#fetch(progress);
      }
    }
    this.#exchange?.want(firstMissing);
    if (nextMs !== Number.POSITIVE_INFINITY) {
      this.#timer = setTimeout(() => this.#plan(), Math.min(nextMs - nowMs, 60_000));
    }
  }

  #isWanted(progress: SegmentProgress): boolean {
    if (progress.isDemanded) return true;
    const position = this.#playheadSeconds;
    if (position === null || endSeconds(progress.segment) <= position) return false;
    return progress.segment.startSeconds < position + prefetchSeconds;
  }

  #fetchAtMs(progress: SegmentProgress, wantedAtMs: number, nowMs: number): number {
    const exchange = this.#exchange;
    const { segment } = progress;
    const position = this.#playheadSeconds ?? segment.startSeconds;
    const isAlone =
      !exchange || (exchange.neighbourIds.size === 0 && nowMs - this.#joinedAtMs > joiningMs);
    if (isAlone || segment.digest === null) {
      return progress.isDemanded ? nowMs : Number.POSITIVE_INFINITY;
    }
    return cdnFetchAtMs({
      seenAtMs: wantedAtMs,
      deadlineMs: nowMs + (segment.startSeconds - position) * 1_000,
      turn: cdnTurn(this.#options.viewerId, exchange.neighbourIds, segment.url),
      neighbourCount: exchange.neighbourIds.size,
      isReceiving: progress.isReceiving,
      isFromBeforeJoining: progress.isFromBeforeJoining,
      cdnFetchMs: this.#options.cdn.typicalFetchMs,
    });
  }

  async #fetch(progress: SegmentProgress): Promise<void> {
    const { segment } = progress;
    const attempt = { controller: new AbortController(), isHedge: progress.isReceiving };
    progress.attempt = attempt;
    try {
      const { cdn, events } = this.#options;
      const { signal } = attempt.controller;
      const response = await fetchVerified(cdn, events, segment.url, segment.digest, signal);
      const { bytes, ...transfer } = response;
      if (progress.source === null && this.#progress.get(segment.url) === progress) {
        progress.source = 'cdn';
        progress.transfer = transfer;
        progress.failures = 0;
        this.#store(progress, bytes);
      } else this.#options.events.onDiscarded(bytes.byteLength);
    } catch (error) {
      if (error instanceof CdnError) this.#options.events.onDiscarded(error.receivedBytes);
      if (!attempt.controller.signal.aborted) this.#retryLater(progress, error);
    } finally {
      if (progress.attempt === attempt) progress.attempt = null;
      this.#plan();
    }
  }

  #retryLater(progress: SegmentProgress, error: unknown): void {
    progress.failures += 1;
    this.#options.events.onCdnTrouble?.();
    const waitMs = Math.min(maxRetryMs, firstRetryMs * 2 ** (progress.failures - 1));
    progress.retryAtMs = this.#options.nowMs() + waitMs * (0.75 + Math.random() / 2);
    progress.fail(error);
  }

  #store(progress: SegmentProgress, bytes: ArrayBuffer): void {
    progress.isReceiving = false;
    progress.sizeBytes = bytes.byteLength;
    this.#options.store.add(progress.segment, bytes);
    this.#exchange?.announce();
    this.#deliver(progress, bytes);
  }

  #deliver(progress: SegmentProgress, bytes: ArrayBuffer): void {
    if (progress.isDemanded && !progress.isCounted) {
      progress.isCounted = true;
      this.#options.events.onDelivered(progress.source ?? 'cdn', bytes.byteLength);
    }
    progress.deliver(() => bytes.slice(0));
    this.#plan();
  }

  /** Stops bringing the segment; whoever waits for it is told. */
  #cancel(progress: SegmentProgress): void {
    progress.attempt?.controller.abort();
    progress.fail(new DOMException('The rendition is no longer played.', 'AbortError'));
  }

  #forget(url: string, progress: SegmentProgress): void {
    // A player that still waits for a segment which has left the playlist gets it from the CDN.
    if (progress.isDemanded && !this.#closed) return;
    this.#progress.delete(url);
    this.#cancel(progress);
    if (progress.source !== null && !progress.isCounted)
      this.#options.events.onDiscarded(progress.sizeBytes);
  }
}
