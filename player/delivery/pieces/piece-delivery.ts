// Brings the segments of one rendition by Shoal's own exchange: carries out what the scheduler
// decides, on data channels and HTTP ranges, and checks every piece before it is used or relayed.

import { CdnError } from '../cdn-fetcher.ts';
import type { DeliveredSegment, DeliveryEvents } from '../delivery-events.ts';
import { sha256Hex } from '../digest.ts';
import { type MediaSegment, pathOf, type RenditionPlaylist } from '../media-segment.ts';
import { areEqualSettings, defaultPeerSettings, type PeerSettings } from '../peer-settings.ts';
import type { PeerGate } from '../peer-switch.ts';
import type { RenditionSource } from '../rendition-source.ts';
import type { FetchReason, SchedulerAction } from '../scheduler/scheduler-actions.ts';
import { trackConstants } from '../scheduler/scheduler-constants.ts';
import { SwarmScheduler } from '../scheduler/swarm-scheduler.ts';
import { atOnceMs } from '../scheduler/urgency.ts';
import type { OnArriving } from '../segment-progress.ts';
import { canUpload } from '../viewer-id.ts';
import { messageOf } from './action-messages.ts';
import { ForgedPiecesError, maxMismatches } from './forged-pieces-error.ts';
import { PieceInbox } from './piece-inbox.ts';
import { contentOf } from './piece-messages.ts';
import { PieceOutbox } from './piece-outbox.ts';
import { PieceSegment } from './piece-segment.ts';
import type { RangeFetcher } from './range-fetcher.ts';
import { beyondStore, isInReach } from './segment-reach.ts';
import type { TrackLinks, TrackListener } from './track-links.ts';
import type { RangeTimes } from './transfer-clock.ts';
import type { WakeUp, WakeUps } from './wake-up.ts';

export interface PieceDeliveryOptions {
  readonly viewerId: string;
  readonly nowMs: () => number;
  readonly random: () => number;
  /** Shared by the renditions of a playback. */
  readonly wakeUps: WakeUps;
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

const fetchRetryMs = 700;
/** Neighbours are met within this time after joining, or there are none. */
const meetingMs = 3_000;
/** The scheduler is asked at least this often: bans end, and neighbours get more to do. */
const longestPauseMs = 1_000;

export class PieceDelivery implements RenditionSource {
  readonly #options: PieceDeliveryOptions;
  readonly #scheduler: SwarmScheduler;
  readonly #segments = new Map<number, PieceSegment>();
  readonly #inbox: PieceInbox;
  readonly #outbox: PieceOutbox;
  #playlist: RenditionPlaylist;
  #links: TrackLinks | null = null;
  #peers: PeerGate | null = null;
  #playheadSeconds: number | null = null;
  #isActive = true;
  readonly #isCapable: boolean;
  #settings = defaultPeerSettings;
  #demandedCount = 0;
  #joinedAtMs = Number.NEGATIVE_INFINITY;
  readonly #wakeUp: WakeUp;
  #closed = false;

  constructor(options: PieceDeliveryOptions, playlist: RenditionPlaylist) {
    this.#options = options;
    this.#isCapable = canUpload(options.viewerId);
    const constants = trackConstants(playlist.track === 'audio', playlist.targetDurationSeconds);
    this.#wakeUp = options.wakeUps.add(() => this.#runScheduler(), constants.gatherMs);
    this.#scheduler = new SwarmScheduler({
      viewerId: options.viewerId,
      isLive: playlist.isLive,
      canUpload: this.#isCapable,
      constants,
      segmentDurationMs: playlist.targetDurationSeconds * 1_000,
      nowMs: options.nowMs(),
      random: options.random,
    });
    this.#outbox = new PieceOutbox({
      links: () => this.#links,
      events: options.events,
      serve: options.serve,
      awaitsSent: () => this.#scheduler.awaitsSent,
      onSent: () => {
        this.#scheduler.sent(options.nowMs());
        this.#runOrWait();
      },
    });
    this.#inbox = new PieceInbox({
      scheduler: this.#scheduler,
      segments: this.#segments,
      links: () => this.#links,
      nowMs: options.nowMs,
      events: options.events,
      content: contentOf(pathOf(playlist.url)),
      greetsBack: playlist.track === 'audio',
      canUpload: () => this.#canUpload,
      onChanged: () => {
        this.#outbox.look();
        this.#runOrWait();
      },
      onPiece: (segment) => this.#completed(segment),
    });
    this.#playlist = playlist;
    this.#addSegments(true);
  }

  get peerCount(): number {
    return this.#inbox.neighbourCount;
  }

  /** Leaves it to `peers` when the links are opened. */
  joinWith(peers: PeerGate): void {
    this.#peers = peers;
  }

  allowPeers(isAllowed: boolean): void {
    if (isAllowed) this.#joinedAtMs = this.#options.nowMs();
    this.#peers?.allow(isAllowed);
  }

  canLoad(segment: MediaSegment): boolean {
    return segment.pieces !== null || this.#segments.has(segment.mediaSequenceNumber);
  }

  /** Joins the swarm, or leaves it. */
  setLinks(open: ((listener: TrackListener) => TrackLinks) | null): void {
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
    this.#playlist = playlist;
    this.#followReach();
    const { storeLimitBytes } = this.#options;
    const segments = [...this.#segments.values()];
    for (const segment of beyondStore(segments, storeLimitBytes, this.#playheadSeconds ?? 0))
      this.#forget(segment);
    this.#run();
  }

  /** Takes up what has come within reach, gives up what has left it or the playlist. */
  #followReach(): void {
    this.#addSegments(!this.#playlist.isLive);
    const numbers = new Set(this.#playlist.segments.map((each) => each.mediaSequenceNumber));
    for (const [number, segment] of this.#segments) {
      const media = segment.progress.segment;
      const isOut =
        !numbers.has(number) || !isInReach(media, this.#playlist, this.#playheadSeconds);
      if (isOut && !segment.progress.isDemanded) this.#forget(segment);
    }
  }

  updatePlayhead(positionSeconds: number): void {
    this.#playheadSeconds = positionSeconds;
    this.#scheduler.setPlayhead(positionSeconds, this.#options.nowMs());
    // The playlist of a recording does not change: only the play head brings new segments.
    if (!this.#playlist.isLive) this.#followReach();
    this.#run();
  }

  configurePeers(settings: PeerSettings): void {
    const before = this.#settings;
    if (this.#closed || areEqualSettings(before, settings)) return;
    this.#settings = settings;
    const { uploadLimitBps, isCareful, minViewers } = settings;
    if (settings.canUpload !== before.canUpload) {
      this.#inbox.greet();
      this.#scheduler.setCanUpload(this.#canUpload, this.#options.nowMs());
    }
    if (uploadLimitBps !== before.uploadLimitBps) this.#scheduler.setUploadLimit(uploadLimitBps);
    this.#scheduler.setCareful(isCareful);
    this.#links?.setMinViewers(minViewers);
    this.#run();
  }

  setActive(isActive: boolean): void {
    this.#isActive = isActive;
    if (isActive) this.#links?.comeForward();
    else for (const segment of this.#segments.values()) this.#abortFetches(segment);
    this.#run();
  }

  async load(
    media: MediaSegment,
    signal: AbortSignal,
    onArriving?: OnArriving,
    isAtStart = false,
  ): Promise<DeliveredSegment> {
    const segment = this.#segments.get(media.mediaSequenceNumber) ?? this.#add(media, true);
    if (!segment) throw new CdnError(0, `${media.url} has no piece root`, 0);
    if (this.#playheadSeconds === null) this.updatePlayhead(media.startSeconds);
    const delivered = segment.progress.wait(signal, onArriving);
    this.#arrived(segment);
    if (segment.isComplete) this.#completed(segment);
    else {
      // Sound may begin with the last of the segment before the one that plays with the first pictures.
      const isStart = this.#demandedCount === 0 || (this.#demandedCount === 1 && isAtStart);
      this.#demandedCount += 1;
      this.#scheduler.demand(segment.number, isStart, this.#expectsNeighbours);
      // The first picture waits for nothing else.
      if (isStart) this.#wakeUp.now();
      else this.#run();
    }
    try {
      return await delivered;
    } finally {
      if (!segment.progress.isDemanded) this.#endDemand(segment);
    }
  }

  #endDemand(segment: PieceSegment): void {
    this.#scheduler.endDemand(segment.number);
    // Nobody waits for it, here or elsewhere: what is wanted instead needs the line.
    if (this.peerCount === 0) this.#abortFetches(segment);
  }

  #abortFetches(segment: PieceSegment): void {
    segment.abortCount += 1;
    this.#options.ranges.abort(segment);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#peers?.close();
    this.#outbox.close();
    this.#wakeUp.close();
    this.#links?.close();
    this.#links = null;
    this.#options.ranges.abortAll();
    for (const segment of [...this.#segments.values()]) this.#forget(segment);
  }

  get #canUpload(): boolean {
    return this.#isCapable && this.#settings.canUpload;
  }

  /** The swarm was joined a moment ago, or is about to be. */
  get #expectsNeighbours(): boolean {
    const isJoining = this.#links !== null || (this.#peers?.isJoining ?? false);
    return isJoining && this.#options.nowMs() - this.#joinedAtMs < meetingMs;
  }

  #addSegments(isFromBeforeJoining: boolean): void {
    for (const media of this.#playlist.segments) {
      if (!isInReach(media, this.#playlist, this.#playheadSeconds)) continue;
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

  #linkListener(): TrackListener {
    return {
      onLink: (id) => this.#inbox.greet(id),
      onLinkClosed: (id) => this.#inbox.linkClosed(id),
      onMessages: (id, messages) => this.#inbox.receive(id, messages),
      onSwarm: (ring, viewerCount) => this.#scheduler.setRing(ring, viewerCount),
    };
  }

  /** Something has happened. */
  #run(): void {
    this.#outbox.look();
    this.#wakeUp.within(this.#scheduler.pauseMs);
  }

  /** At the end of a task in which all has been said: what may not wait is done in it. */
  #runOrWait(): void {
    if (this.#scheduler.pauseMs <= atOnceMs) this.#wakeUp.now();
    else this.#wakeUp.within(this.#scheduler.pauseMs);
  }

  /** Asks the scheduler what is to be done now, does it, and wakes up for what is next. */
  #runScheduler(): void {
    const nowMs = this.#options.nowMs();
    const { firstByteMs, bytesPerMs } = this.#options.ranges.speed;
    this.#scheduler.setCdnSpeed(firstByteMs, bytesPerMs);
    const { actions, nextMs } = this.#scheduler.run(nowMs);
    for (const action of actions) this.#do(action);
    this.#outbox.look();
    this.#links?.acceptMore(this.#scheduler.hasRoom);
    this.#wakeUp.within(Math.max(1, Math.min(nextMs - nowMs, longestPauseMs)));
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
      case 'request':
      case 'cancel':
      case 'have': {
        const segment = this.#segments.get(action.segment);
        const message = messageOf(action, segment, this.#options.nowMs());
        if (message !== null) this.#links?.send(action.neighbour, message);
        return;
      }
      case 'send':
        for (const { neighbour, pieces } of action.parcels)
          for (const { segment, piece } of pieces)
            this.#outbox.put(neighbour, this.#segments.get(segment), piece);
        return;
      case 'meet':
        this.#links?.meet();
        return;
      case 'drop':
        this.#links?.drop(action.neighbour, action.banMs);
    }
  }

  async #fetch(action: FetchAction): Promise<void> {
    const segment = this.#segments.get(action.segment);
    if (!segment) return;
    const startedAtMs = this.#options.nowMs();
    const { abortCount } = segment;
    const { firstPiece, lastPiece, reason } = action;
    let times: RangeTimes | null = null;
    let receivedBytes = 0;
    try {
      const result = await this.#options.ranges.fetch(segment, firstPiece, lastPiece, {
        onFirstByte: () => {
          const sizeBytes = segment.sizeOfRange(firstPiece, lastPiece);
          times = segment.transferClock.begin(startedAtMs, sizeBytes, this.#options.nowMs());
        },
        onLate: () => {
          this.#options.events.onCdnTrouble?.();
          this.#scheduler.fetchLate(segment.number, firstPiece, lastPiece);
          this.#run();
        },
        onPiece: (piece, bytes) => {
          receivedBytes += bytes.length;
          this.#options.events.onFetch?.(reason, bytes.length);
          this.#stored(segment, piece, bytes);
        },
      });
      this.#options.events.onDiscarded(result.discardedBytes);
      if (result.isComplete) segment.progress.failures = 0;
      else this.#fetchFailed(segment, action);
      // Without end where the root is forged: the digest decides, if the CDN has the whole.
      if (segment.progress.failures >= maxMismatches)
        segment.progress.fail(new ForgedPiecesError(segment.progress.segment.url, false));
    } catch (error) {
      const isWanted = this.#segments.get(segment.number) === segment && !segment.isComplete;
      const isBrokenOff = segment.abortCount !== abortCount;
      if (isBrokenOff) this.#fetchBrokenOff(segment, action);
      else if (isWanted) this.#fetchFailed(segment, action);
      if (error instanceof CdnError) {
        this.#options.events.onDiscarded(error.receivedBytes);
        // With neighbours it may still come, and the range is asked for again; alone hls.js decides.
        if (this.peerCount === 0 && isWanted && !isBrokenOff) segment.progress.fail(error);
      }
    } finally {
      if (times) segment.transferClock.end(times, receivedBytes, this.#options.nowMs());
    }
    this.#run();
  }

  /** Once more when it is wanted after all, which may have happened since. */
  #fetchBrokenOff(segment: PieceSegment, { firstPiece, lastPiece }: FetchAction): void {
    const isWanted = segment.progress.isDemanded && this.#isActive;
    const againAtMs = isWanted ? this.#options.nowMs() : Number.POSITIVE_INFINITY;
    this.#scheduler.fetchFailed(segment.number, firstPiece, lastPiece, againAtMs);
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
    // Checked meanwhile: its number may be another broadcast's by now.
    if (this.#segments.get(segment.number) !== segment) return;
    if (segment.fill(piece, bytes, 'cdn')) {
      this.#scheduler.pieceFetched(segment.number, piece, this.#options.nowMs());
      this.#completed(segment);
    } else this.#options.events.onDiscarded(bytes.length);
    this.#run();
  }

  #arrived(segment: PieceSegment): void {
    // Where the whole is checked, nothing is played before.
    if (segment.isComplete || segment.startBytes === 0 || this.#options.checksWhole) return;
    segment.progress.arrive({
      startBytes: segment.startBytes,
      read: (fromBytes) => segment.read(fromBytes),
      sizeBytes: segment.root.sizeBytes,
      // With neighbours a wait for them would look like a slow network.
      transfer: this.peerCount === 0 ? segment.transferClock.underWay() : null,
    });
  }

  #completed(segment: PieceSegment): void {
    if (!segment.isComplete) {
      this.#arrived(segment);
      return;
    }
    // What a slow fetch was still to bring has come from neighbours.
    this.#options.ranges.abort(segment);
    segment.progress.transfer = segment.transferClock.whole(this.#options.nowMs());
    if (this.#options.checksWhole) void this.#checkWhole(segment);
    else this.#deliver(segment);
  }

  /** A forged piece root passes forged pieces; the digest, which is signed, does not. */
  async #checkWhole(segment: PieceSegment): Promise<void> {
    const { digest, url } = segment.progress.segment;
    segment.isWholeRight ??= sha256Hex(segment.read().buffer).then((whole) => whole === digest);
    if (await segment.isWholeRight) this.#deliver(segment);
    else segment.progress.fail(new ForgedPiecesError(url, true));
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
    progress.deliver(() => segment.read().buffer);
  }

  #forget(segment: PieceSegment): void {
    this.#segments.delete(segment.number);
    this.#scheduler.removeSegment(segment.number);
    this.#options.ranges.abort(segment);
    segment.progress.fail(new DOMException('No longer played.', 'AbortError'));
    if (!segment.progress.isCounted)
      this.#options.events.onDiscarded(segment.cdnBytes + segment.peerBytes);
  }
}
