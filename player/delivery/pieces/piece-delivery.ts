// Brings the segments of one rendition by Shoal's own exchange: carries out what the scheduler
// decides, on data channels and HTTP ranges, and checks every piece before it is used or relayed.

import { CdnError } from '../cdn-fetcher.ts';
import type { DeliveredSegment, DeliveryEvents } from '../delivery-events.ts';
import { sha256Hex } from '../digest.ts';
import { endSeconds, type MediaSegment, pathOf, type RenditionPlaylist } from '../media-segment.ts';
import { areEqualSettings, defaultPeerSettings, type PeerSettings } from '../peer-settings.ts';
import type { PeerGate } from '../peer-switch.ts';
import type { RenditionSource } from '../rendition-source.ts';
import type { FetchReason, SchedulerAction } from '../scheduler/scheduler-actions.ts';
import { schedulerConstants } from '../scheduler/scheduler-constants.ts';
import { SwarmScheduler } from '../scheduler/swarm-scheduler.ts';
import { canUpload } from '../viewer-id.ts';
import { PieceInbox } from './piece-inbox.ts';
import type { PieceLinks, PieceLinksListener } from './piece-links.ts';
import {
  encodeCancel,
  encodeHave,
  encodeHello,
  encodePiece,
  encodeRequest,
} from './piece-messages.ts';
import { PieceSegment } from './piece-segment.ts';
import type { RangeFetcher } from './range-fetcher.ts';

export interface PieceDeliveryOptions {
  readonly viewerId: string;
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly ranges: RangeFetcher;
  /** Most bytes of segments kept, besides those that are yet to be played. */
  readonly storeLimitBytes: number;
  /** A complete segment is held against its digest before the player gets it. */
  readonly checksWhole: boolean;
  readonly events: DeliveryEvents & {
    /** Bytes asked of the CDN, by reason; where they exceed one copy in a swarm, why. */
    onFetch?(reason: FetchReason, sizeBytes: number): void;
  };
  /** What is served instead of a piece; tests make a viewer lie with it. */
  readonly serve?: (bytes: Uint8Array) => Uint8Array;
}

type FetchAction = Extract<SchedulerAction, { kind: 'fetch' }>;

/** Segments further behind the play head are of use to nobody who watches live. */
const keptSeconds = 30;
const fetchRetryMs = 700;
/** Neighbours are met within this time after joining, or there are none. */
const meetingMs = 3_000;
/** Live latency assumed for the constants: most players are three target durations behind. */
const latencyTargetDurations = 2;
/** Events within this time are thought about together. */
const coalesceMs = 2;
/** One piece with its header may wait while the next is handed over: else the line would idle. */
const maxBufferedBytes = 20 * 1024;
const uploadPollMs = 4;

/** The pieces match the playlist's root, but the segment that they make does not match its digest. */
export class ForgedPiecesError extends Error {}

export class PieceDelivery implements RenditionSource {
  readonly #options: PieceDeliveryOptions;
  readonly #scheduler: SwarmScheduler;
  readonly #segments = new Map<number, PieceSegment>();
  readonly #inbox: PieceInbox;
  #links: PieceLinks | null = null;
  #peers: PeerGate | null = null;
  #playheadSeconds: number | null = null;
  #isActive = true;
  readonly #isCapable: boolean;
  #settings = defaultPeerSettings;
  #hasDemanded = false;
  #joinedAtMs = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isRunPlanned = false;
  #closed = false;

  constructor(options: PieceDeliveryOptions, playlist: RenditionPlaylist) {
    this.#options = options;
    this.#isCapable = canUpload(options.viewerId);
    this.#scheduler = new SwarmScheduler({
      viewerId: options.viewerId,
      isLive: playlist.isLive,
      canUpload: this.#isCapable,
      constants: schedulerConstants(
        latencyTargetDurations * playlist.targetDurationSeconds * 1_000,
      ),
      segmentDurationMs: playlist.targetDurationSeconds * 1_000,
      nowMs: options.nowMs(),
      random: options.random,
    });
    this.#inbox = new PieceInbox({
      scheduler: this.#scheduler,
      segments: this.#segments,
      links: () => this.#links,
      nowMs: options.nowMs,
      events: options.events,
      onChanged: () => this.#run(),
      onPiece: (segment) => this.#completed(segment),
    });
    this.#addSegments(playlist, true);
  }

  get peerCount(): number {
    return this.#inbox.neighbourCount;
  }

  /** Leaves it to `peers` when the links are opened. */
  joinWith(peers: PeerGate): void {
    this.#peers = peers;
  }

  allowPeers(isAllowed: boolean): void {
    this.#peers?.allow(isAllowed);
  }

  canLoad(segment: MediaSegment): boolean {
    return segment.pieces !== null || this.#segments.has(segment.mediaSequenceNumber);
  }

  /** Joins the swarm, or leaves it. */
  setLinks(open: ((listener: PieceLinksListener) => PieceLinks) | null): void {
    if (this.#closed || (open === null) === (this.#links === null)) return;
    if (open === null) {
      this.#links?.close();
      this.#links = null;
      this.#inbox.allLinksClosed();
    } else {
      this.#joinedAtMs = this.#options.nowMs();
      this.#links = open(this.#linkListener());
      this.#links.setMinViewers(this.#settings.minViewers);
    }
    this.#run();
  }

  updatePlaylist(playlist: RenditionPlaylist): void {
    if (this.#closed) return;
    this.#addSegments(playlist, !playlist.isLive);
    const numbers = new Set(playlist.segments.map((segment) => segment.mediaSequenceNumber));
    const keepFromSeconds = (this.#playheadSeconds ?? Number.NEGATIVE_INFINITY) - keptSeconds;
    for (const [number, segment] of this.#segments) {
      const isOld = endSeconds(segment.progress.segment) < keepFromSeconds;
      if ((isOld || !numbers.has(number)) && !segment.progress.isDemanded) this.#forget(segment);
    }
    this.#boundStore();
    this.#run();
  }

  updatePlayhead(positionSeconds: number): void {
    this.#playheadSeconds = positionSeconds;
    this.#scheduler.setPlayhead(positionSeconds, this.#options.nowMs());
    this.#run();
  }

  configurePeers(settings: PeerSettings): void {
    const before = this.#settings;
    if (this.#closed || areEqualSettings(before, settings)) return;
    this.#settings = settings;
    const { uploadLimitBps, isCareful, minViewers } = settings;
    if (settings.canUpload !== before.canUpload) {
      this.#inbox.broadcast(encodeHello(this.#canUpload));
      this.#scheduler.setCanUpload(this.#canUpload, this.#options.nowMs());
    }
    if (uploadLimitBps !== before.uploadLimitBps) this.#scheduler.setUploadLimit(uploadLimitBps);
    this.#scheduler.setCareful(isCareful);
    this.#links?.setMinViewers(minViewers);
    this.#run();
  }

  setActive(isActive: boolean): void {
    this.#isActive = isActive;
    this.#run();
  }

  async load(media: MediaSegment, signal: AbortSignal): Promise<DeliveredSegment> {
    const segment = this.#segments.get(media.mediaSequenceNumber) ?? this.#add(media, true);
    if (!segment) throw new CdnError(0, `${media.url} has no piece root`, 0);
    if (this.#playheadSeconds === null) this.updatePlayhead(media.startSeconds);
    const delivered = segment.progress.wait(signal);
    if (segment.isComplete) this.#completed(segment);
    else {
      this.#scheduler.demand(segment.number, !this.#hasDemanded, this.#expectsNeighbours);
      this.#hasDemanded = true;
      this.#run();
    }
    try {
      return await delivered;
    } finally {
      if (!segment.progress.isDemanded) this.#scheduler.endDemand(segment.number);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#peers?.close();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#links?.close();
    this.#links = null;
    this.#options.ranges.abortAll();
    for (const segment of [...this.#segments.values()]) this.#forget(segment);
  }

  /** The swarm was joined a moment ago. */
  get #canUpload(): boolean {
    return this.#isCapable && this.#settings.canUpload;
  }

  get #expectsNeighbours(): boolean {
    return this.#links !== null && this.#options.nowMs() - this.#joinedAtMs < meetingMs;
  }

  #addSegments(playlist: RenditionPlaylist, isFromBeforeJoining: boolean): void {
    for (const media of playlist.segments) {
      const known = this.#segments.get(media.mediaSequenceNumber);
      if (known && pathOf(known.progress.segment.url) === pathOf(media.url))
        this.#update(known, media);
      else {
        // The number of another broadcast: what was gathered under it is of no use any more.
        if (known) this.#forget(known);
        this.#add(media, isFromBeforeJoining);
      }
    }
  }

  #update(segment: PieceSegment, media: MediaSegment): void {
    segment.progress.segment = media;
    const { number, pieceCount, pieceSizeBytes, isFromBeforeJoining } = segment;
    const { startSeconds } = media;
    const nowMs = this.#options.nowMs();
    this.#scheduler.addSegment(
      { number, pieceCount, pieceSizeBytes, startSeconds },
      isFromBeforeJoining,
      nowMs,
    );
  }

  #add(media: MediaSegment, isFromBeforeJoining: boolean): PieceSegment | null {
    if (!media.pieces) return null;
    const behind = this.#playheadSeconds ?? Number.NEGATIVE_INFINITY;
    if (endSeconds(media) < behind - keptSeconds) return null;
    const segment = new PieceSegment(media, media.pieces, isFromBeforeJoining);
    this.#segments.set(segment.number, segment);
    const { number, pieceCount, pieceSizeBytes } = segment;
    this.#scheduler.addSegment(
      { number, pieceCount, pieceSizeBytes, startSeconds: media.startSeconds },
      isFromBeforeJoining,
      this.#options.nowMs(),
    );
    return segment;
  }

  /** What has been played is kept for others only as far as the device has room. */
  #boundStore(): void {
    let sizeBytes = 0;
    for (const { bytes } of this.#segments.values()) sizeBytes += bytes.length;
    for (const segment of [...this.#segments.values()].sort((a, b) => a.number - b.number)) {
      if (sizeBytes <= this.#options.storeLimitBytes) return;
      const isPlayed = endSeconds(segment.progress.segment) <= (this.#playheadSeconds ?? 0);
      if (!isPlayed || segment.progress.isDemanded) continue;
      sizeBytes -= segment.bytes.length;
      this.#forget(segment);
    }
  }

  #linkListener(): PieceLinksListener {
    return {
      onLink: (id) => this.#links?.send(id, encodeHello(this.#canUpload)),
      onLinkClosed: (id) => this.#inbox.linkClosed(id),
      onMessage: (id, data) => this.#inbox.receive(id, data),
      onSwarm: (ring, viewerCount) => this.#scheduler.setRing(ring, viewerCount),
    };
  }

  #run(): void {
    if (this.#closed || this.#isRunPlanned) return;
    this.#isRunPlanned = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#runNow(), coalesceMs);
  }

  /** Asks the scheduler what is to be done now, does it, and wakes up for what is next. */
  #runNow(): void {
    if (this.#closed) return;
    this.#isRunPlanned = false;
    const nowMs = this.#options.nowMs();
    const { firstByteMs, bytesPerMs } = this.#options.ranges.speed;
    this.#scheduler.setCdnSpeed(firstByteMs, bytesPerMs);
    const { actions, nextMs } = this.#scheduler.run(nowMs);
    for (const action of actions) this.#do(action);
    this.#links?.acceptMore(this.#scheduler.hasRoom);
    if (this.#isRunPlanned || this.#closed) return;
    const waitMs = Math.max(1, Math.min(nextMs - nowMs, 1_000));
    this.#timer = setTimeout(() => this.#runNow(), waitMs);
  }

  #do(action: SchedulerAction): void {
    switch (action.kind) {
      case 'fetch':
        if (this.#isActive) void this.#fetch(action);
        else
          this.#scheduler.fetchFailed(
            action.segment,
            action.firstPiece,
            action.lastPiece,
            Number.POSITIVE_INFINITY,
          );
        return;
      case 'request': {
        const wantsList = this.#segments.get(action.segment)?.digests === null;
        this.#links?.send(
          action.neighbour,
          encodeRequest(action.segment, action.piece, action.deadlineInMs, wantsList),
        );
        return;
      }
      case 'cancel':
        this.#links?.send(action.neighbour, encodeCancel(action.segment, action.piece));
        return;
      case 'have': {
        const segment = this.#segments.get(action.segment);
        if (!segment) return;
        const message = encodeHave(
          action.segment,
          segment.tag,
          segment.pieceCount,
          action.bits,
          action.claims,
        );
        this.#links?.send(action.neighbour, message);
        return;
      }
      case 'send':
        this.#send(action.neighbour, action.segment, action.piece);
        return;
      case 'meet':
        this.#links?.meet();
        return;
      case 'drop':
        this.#links?.drop(action.neighbour, action.banMs);
    }
  }

  #send(neighbour: string, number: number, piece: number): void {
    const segment = this.#segments.get(number);
    if (segment?.has(piece)) {
      const bytes = segment.pieceBytes(piece);
      const served = this.#options.serve?.(bytes) ?? bytes;
      if (this.#links?.send(neighbour, encodePiece(number, piece, served))) {
        this.#options.events.onUploaded(bytes.length);
        this.#options.events.onExchanged?.(neighbour, 0, bytes.length);
      }
    }
    this.#waitUntilSent();
  }

  /** `bufferedamountlow` does not fire on a channel that never fills: look again and again. */
  #waitUntilSent(): void {
    const look = (): void => {
      if (this.#closed) return;
      if ((this.#links?.bufferedBytes ?? 0) > maxBufferedBytes) {
        setTimeout(look, uploadPollMs);
        return;
      }
      this.#scheduler.sent(this.#options.nowMs());
      this.#run();
    };
    look();
  }

  async #fetch(action: FetchAction): Promise<void> {
    const segment = this.#segments.get(action.segment);
    if (!segment) return;
    const startedAtMs = this.#options.nowMs();
    try {
      const { firstPiece, lastPiece, reason } = action;
      const result = await this.#options.ranges.fetch(segment, firstPiece, lastPiece, {
        onFirstByte: () => {
          segment.progress.transfer ??= {
            startedAtMs,
            firstByteAtMs: this.#options.nowMs(),
            finishedAtMs: this.#options.nowMs(),
          };
        },
        onLate: () => {
          this.#options.events.onCdnTrouble?.();
          this.#scheduler.fetchLate(segment.number, firstPiece, lastPiece);
          this.#run();
        },
        onPiece: (piece, bytes) => {
          this.#options.events.onFetch?.(reason, bytes.length);
          this.#stored(segment, piece, bytes);
        },
      });
      this.#options.events.onDiscarded(result.discardedBytes);
      if (result.isComplete) segment.progress.failures = 0;
      else this.#fetchFailed(segment, action);
    } catch (error) {
      const isWanted = this.#segments.get(segment.number) === segment && !segment.isComplete;
      if (isWanted) this.#fetchFailed(segment, action);
      if (error instanceof CdnError) {
        this.#options.events.onDiscarded(error.receivedBytes);
        // With neighbours it may still come, and the range is asked for again; alone hls.js decides.
        if (this.peerCount === 0) segment.progress.fail(error);
      }
    }
    this.#run();
  }

  /** Tried again later, and later each time; neighbours may bring it before. */
  #fetchFailed(segment: PieceSegment, action: FetchAction): void {
    if (this.#closed) return;
    const waitMs = fetchRetryMs * 2 ** Math.min(segment.progress.failures, 4);
    segment.progress.failures += 1;
    const retryAtMs = this.#options.nowMs() + waitMs * (0.75 + this.#options.random() / 2);
    this.#scheduler.fetchFailed(action.segment, action.firstPiece, action.lastPiece, retryAtMs);
    this.#scheduler.cdnFailed();
    this.#options.events.onCdnTrouble?.();
  }

  #stored(segment: PieceSegment, piece: number, bytes: Uint8Array): void {
    if (this.#closed) return;
    if (segment.fill(piece, bytes, 'cdn')) {
      this.#scheduler.pieceFetched(segment.number, piece);
      this.#completed(segment);
    } else this.#options.events.onDiscarded(bytes.length);
    this.#run();
  }

  #completed(segment: PieceSegment): void {
    if (!segment.isComplete) return;
    // What a slow fetch was still to bring has come from neighbours.
    this.#options.ranges.abort(segment);
    const { progress } = segment;
    if (progress.transfer)
      progress.transfer = { ...progress.transfer, finishedAtMs: this.#options.nowMs() };
    // A segment mostly from peers says nothing about the network to the CDN.
    if (segment.cdnBytes < segment.bytes.length) progress.transfer = null;
    if (this.#options.checksWhole) void this.#checkWhole(segment);
    else this.#deliver(segment);
  }

  /** A forged piece root passes forged pieces; the digest, which is signed, does not. */
  async #checkWhole(segment: PieceSegment): Promise<void> {
    const { digest, url } = segment.progress.segment;
    segment.isWholeRight ??= sha256Hex(segment.bytes.buffer).then((whole) => whole === digest);
    if (await segment.isWholeRight) this.#deliver(segment);
    else segment.progress.fail(new ForgedPiecesError(`${url}: the pieces are not the segment's`));
  }

  #deliver(segment: PieceSegment): void {
    const { progress } = segment;
    if (!progress.isDemanded) return;
    if (!progress.isCounted) {
      progress.isCounted = true;
      if (segment.cdnBytes > 0) this.#options.events.onDelivered('cdn', segment.cdnBytes);
      if (segment.peerBytes > 0) this.#options.events.onDelivered('peer', segment.peerBytes);
    }
    progress.source = segment.peerBytes > segment.cdnBytes ? 'peer' : 'cdn';
    progress.deliver(segment.bytes.buffer);
  }

  #forget(segment: PieceSegment): void {
    this.#segments.delete(segment.number);
    this.#scheduler.removeSegment(segment.number);
    this.#options.ranges.abort(segment);
    segment.progress.fail(new DOMException('The segment is no longer played.', 'AbortError'));
    if (!segment.progress.isCounted)
      this.#options.events.onDiscarded(segment.cdnBytes + segment.peerBytes);
  }
}
