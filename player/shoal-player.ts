// `<shoal-player>`: a media element that plays a stream with the help of its viewers. Joins the
// attributes, the playback (hls.js through `createShoalHls`, or the browser's own) and the views.

import Hls from 'hls.js';
import type { PeerMode, ShoalConfig } from './config.ts';
import { createShoalHls } from './create-shoal-hls.ts';
import { parsePeerMode, sessionAttributes, shoalConfigOf } from './player-attributes.ts';
import type { ShoalSession } from './session.ts';
import type { PlayerStats } from './stats.ts';
import { startWithinPolicy } from './ui/autoplay.ts';
import type { PeerConsent } from './ui/consent-memory.ts';
import { emptyStats } from './ui/empty-stats.ts';
import { HlsPlayback } from './ui/hls-playback.ts';
import { dvrWindowSeconds, liveToleranceSeconds, timelineOf } from './ui/live-edge.ts';
import { LiveReturn } from './ui/live-return.ts';
import { forwardedAttributes, MediaDelegation } from './ui/media-delegation.ts';
import { NativePlayback } from './ui/native-playback.ts';
import { listenForOverlayKey } from './ui/overlay-shortcut.ts';
import { PeerChoice } from './ui/peer-choice.ts';
import type { Playback, PlaybackOptions } from './ui/playback.ts';
import type { PlaybackState } from './ui/playback-state.ts';
import { PlayerTree } from './ui/player-tree.ts';
import { Thumbnails, type ThumbnailView } from './ui/thumbnails.ts';
import { VideoRenditionList } from './ui/video-renditions.ts';
import type { RefreshToken } from './viewer-tokens.ts';

const ownAttributes = ['p2p', 'muted', 'overlay', 'controls'] as const;
const forwarded: ReadonlySet<string> = new Set(forwardedAttributes);
const session: ReadonlySet<string> = new Set(sessionAttributes);

export class ShoalPlayer extends MediaDelegation {
  static readonly observedAttributes: readonly string[] = [
    ...sessionAttributes,
    ...ownAttributes,
    ...forwardedAttributes,
  ];

  /** The qualities to choose from; `selectedIndex` -1 is automatic. */
  readonly videoRenditions = new VideoRenditionList((id) => this.#playback?.selectRendition(id));
  readonly #tree: PlayerTree;
  readonly #thumbnails = new Thumbnails();
  readonly #peers = new PeerChoice();
  #refreshToken: RefreshToken | null = null;
  #playback: Playback | null = null;
  #session: ShoalSession | null = null;
  #stopStats: (() => void) | null = null;
  #connection: AbortController | null = null;
  #isOpenPlanned = false;
  #state: PlaybackState = { kind: 'idle' };
  /** The viewer or `autoplay` wants the picture to move: kept across reloads of the source. */
  #wantsPlay = false;
  /** The policy muted it, not the page: the viewer gets a button to hear it. */
  #isMutedByPolicy = false;
  /** It was to be heard once: who mutes it afterwards needs no button. */
  #wasHeard = false;

  constructor() {
    super();
    this.#tree = new PlayerTree(this.attachShadow({ mode: 'open' }), this.media, {
      onRetry: () => this.#again(),
      onTap: () => this.#tapped(),
      onToggleOverlay: () => this.toggleAttribute('overlay'),
      onShare: (isWanted) => this.#answered(isWanted ? 'allowed' : 'refused'),
      onConsent: (consent) => this.#answered(consent),
    });
    this.media.addEventListener('play', () => this.#played());
    this.media.addEventListener('pause', () => {
      if (!this.media.ended && document.visibilityState === 'visible') this.#wantsPlay = false;
      this.#updateLiveDistance();
    });
    this.media.addEventListener('timeupdate', () => this.#updateLiveDistance());
    this.media.addEventListener('volumechange', () => {
      this.#wasHeard ||= !this.media.muted;
      this.#updateSoundButton();
    });
  }

  /** A fresh snapshot of the counters since the source was opened. */
  get stats(): PlayerStats {
    return this.#session?.stats ?? emptyStats;
  }

  /** What the player is doing, as shown to the viewer. */
  get playbackState(): PlaybackState {
    return this.#state;
  }

  /** Whether this viewer exchanges segments with others now. */
  get peersAllowed(): boolean {
    return this.#session?.peersAllowed ?? false;
  }

  /** What this viewer answered, here or on another page of the origin; `null` before that. */
  get peerConsent(): PeerConsent | null {
    return this.#peers.answer;
  }

  /**
   * The viewer's answer: starts or stops the exchange with others and is remembered for the origin.
   * The picture goes on in both cases; with `p2p="off"` nothing starts.
   */
  allowPeers(allowed: boolean): void {
    this.#peers.choose(allowed ? 'allowed' : 'refused');
    this.#applyPeerMode();
  }

  /** The page's own way to a new viewer token, in place of `token-url`; setting it opens the source again. */
  get refreshToken(): RefreshToken | null {
    return this.#refreshToken;
  }

  set refreshToken(refresh: RefreshToken | null) {
    if (this.#refreshToken === refresh) return;
    this.#refreshToken = refresh;
    if (this.isConnected) this.#planOpen();
  }

  /** As media-chrome and Media UI Extensions call it. */
  get streamType(): 'live' | 'on-demand' | 'unknown' {
    const isLive = this.#playback?.isLive ?? null;
    if (isLive === null) return 'unknown';
    return isLive ? 'live' : 'on-demand';
  }

  /** Seconds that a viewer can go back in a live stream; 0 too few to offer, NaN when not live. */
  get targetLiveWindow(): number {
    if (this.streamType !== 'live') return Number.NaN;
    const windowSeconds = this.#playback?.windowSeconds ?? 0;
    return windowSeconds >= dvrWindowSeconds ? windowSeconds : 0;
  }

  /** From this position in seconds on, playback counts as live; NaN when it is not. */
  get liveEdgeStart(): number {
    const edgeSeconds = this.#playback?.liveEdgeSeconds ?? null;
    return edgeSeconds === null ? Number.NaN : edgeSeconds - liveToleranceSeconds;
  }

  /** Opens the source again, as `HTMLMediaElement.load()` does. */
  load(): void {
    this.#open();
  }

  override play(): Promise<void> {
    if (this.#playback === null) this.#open();
    return super.play();
  }

  override pause(): void {
    this.#wantsPlay = false;
    super.pause();
  }

  /** Jumps to where live playback is held and plays; nothing happens on recordings. */
  seekToLive(): void {
    const edgeSeconds = this.#playback?.liveEdgeSeconds ?? null;
    if (edgeSeconds === null) return;
    this.media.currentTime = edgeSeconds;
    void startWithinPolicy(this.media);
  }

  /** The play button: without a window to go back in, a paused live stream goes on live. */
  playFromControls(): void {
    if (this.#playback === null) this.#open();
    const isBehind = this.media.currentTime < this.liveEdgeStart;
    if (this.targetLiveWindow === 0 && isBehind) this.seekToLive();
    else void startWithinPolicy(this.media);
  }

  /** The picture for the seek bar, `null` while there is none. */
  thumbnailAt(positionSeconds: number): ThumbnailView | null {
    const playback = this.#playback;
    if (playback === null) return null;
    const sourceUrl = this.#sourceUrl();
    const isLive = playback.isLive === true;
    const source = { sourceUrl, isLive, zeroDateMs: playback.zeroDateMs };
    return this.#thumbnails.at(source, positionSeconds, performance.now());
  }

  connectedCallback(): void {
    this.#connection?.abort();
    this.#connection = new AbortController();
    const { signal } = this.#connection;
    this.#tree.connected();
    listenForOverlayKey(this, () => this.toggleAttribute('overlay'), signal);
    new LiveReturn(
      {
        video: this.media,
        edgeSeconds: () => this.#playback?.liveEdgeSeconds ?? null,
        jump: () => this.seekToLive(),
      },
      signal,
    );
    if (this.#playback === null) this.#planOpen();
  }

  disconnectedCallback(): void {
    this.#connection?.abort();
    this.#connection = null;
    // An element that only moves within the page is connected again before the microtask runs.
    queueMicrotask(() => {
      if (!this.isConnected) this.#close();
    });
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (before === after) return;
    if (forwarded.has(name)) this.forwardAttribute(name, after);
    if (session.has(name) && this.isConnected) this.#planOpen();
    if (name === 'muted') this.media.muted = after !== null;
    if (name === 'overlay') this.#showOverlay();
    if (name === 'controls') {
      void this.#tree.showControls(after !== null, this);
      this.#updateSoundButton();
    }
    if (name === 'p2p') this.#applyPeerMode();
  }

  #sourceUrl(): string {
    return new URL(this.src, document.baseURI).href;
  }

  /** Several attributes set in a row open the source once. */
  #planOpen(): void {
    if (this.#isOpenPlanned) return;
    this.#isOpenPlanned = true;
    queueMicrotask(() => {
      this.#isOpenPlanned = false;
      if (!this.isConnected) return;
      const waitsForPlay = this.getAttribute('preload') === 'none' && !this.autoplay;
      if (waitsForPlay && !this.#wantsPlay) this.#close();
      else this.#open();
    });
  }

  #open(): void {
    this.#close();
    if (this.src === '') return;
    this.#wantsPlay ||= this.autoplay;
    const options: PlaybackOptions = {
      sourceUrl: this.#sourceUrl(),
      video: this.media,
      onState: (state) => this.#show(state),
      onPlayable: () => void this.#start(),
      onRenditions: () => this.videoRenditions.replace(this.#playback?.renditions ?? []),
      onTimeline: () => this.#timelineChanged(),
    };
    if (Hls.isSupported()) this.#playback = this.#openHls(options);
    else if (NativePlayback.isSupported(this.media)) this.#playback = new NativePlayback(options);
    else this.#show({ kind: 'failed', failure: 'not-supported' });
  }

  #openHls(options: PlaybackOptions): Playback {
    const shoal: ShoalConfig = {
      ...shoalConfigOf(this, this.#peers.modeFor(this.#peerMode())),
      ...(this.#refreshToken && { refreshToken: this.#refreshToken }),
    };
    // `duration` of a live stream is Infinity, and `seekable` its window, as in Safari.
    const hls = createShoalHls(Hls, { liveDurationInfinity: true, shoal });
    this.#session = hls.shoal;
    this.#stopStats = hls.shoal.on('shoal-stats', (stats) => this.#statsArrived(stats));
    this.#askIfNeeded();
    this.#showOverlay();
    return new HlsPlayback(hls, options);
  }

  #close(): void {
    this.#stopStats?.();
    this.#stopStats = null;
    this.#session = null;
    this.#playback?.close();
    this.#playback = null;
    this.#tree.close();
    this.#tree.showConsentQuestion(false);
    this.videoRenditions.replace([]);
    this.#timelineChanged();
    this.#show({ kind: 'idle' });
  }

  #show(state: PlaybackState): void {
    this.#state = state;
    this.#tree.showState(state);
    this.#updateLiveDistance();
    this.#updateSoundButton();
  }

  #timelineChanged(): void {
    this.#tree.showTimeline(timelineOf(this.streamType, this.targetLiveWindow));
    this.dispatchEvent(new Event('streamtypechange'));
    this.dispatchEvent(new Event('targetlivewindowchange'));
  }

  async #start(): Promise<void> {
    if (!this.#wantsPlay) return;
    const wasMuted = this.media.muted;
    const outcome = await startWithinPolicy(this.media);
    if (outcome === 'playing-muted' && !wasMuted) this.#isMutedByPolicy = true;
    this.#updateSoundButton(outcome === 'tap-needed');
  }

  #played(): void {
    this.#wantsPlay = true;
    if (this.#playback === null) this.#open();
    this.#updateSoundButton();
  }

  #tapped(): void {
    this.media.muted = false;
    this.#isMutedByPolicy = false;
    void startWithinPolicy(this.media).then((outcome) =>
      this.#updateSoundButton(outcome === 'tap-needed'),
    );
  }

  /**
   * Who began to watch without sound, by the policy or by `muted` with controls, is offered it.
   * A bare player that its page muted stays as it is, like a `<video>`.
   */
  #updateSoundButton(isTapNeeded = false): void {
    if (!this.media.muted) this.#isMutedByPolicy = false;
    const isOffered = this.#isMutedByPolicy || (this.controls && this.autoplay && !this.#wasHeard);
    const isPlaying = this.#state.kind === 'active' && !this.media.paused;
    const isUnmuteUseful = isPlaying && this.media.muted && isOffered;
    this.#tree.showSoundButton(isTapNeeded ? 'play' : isUnmuteUseful ? 'unmute' : 'hidden');
  }

  #again(): void {
    this.#wantsPlay = true;
    if (this.#state.kind === 'ended' && !this.#state.wasLive) {
      this.media.currentTime = 0;
      void startWithinPolicy(this.media);
    } else this.#open();
  }

  #peerMode(): PeerMode {
    return parsePeerMode(this.getAttribute('p2p'));
  }

  #askIfNeeded(): void {
    this.#tree.showConsentQuestion(this.#canShare && this.#peers.mustAsk(this.#peerMode()));
  }

  /** Neither native playback nor a browser without WebRTC can. */
  get #canShare(): boolean {
    return this.#session !== null && this.#session.peerStatus.offBecause !== 'unsupported';
  }

  #applyPeerMode(): void {
    if (this.#session === null) return;
    const isWanted = this.#peers.modeFor(this.#peerMode()) === 'on';
    this.#session.allowPeers(isWanted);
    // A session opened with `off` has nothing to exchange with: it takes a new one.
    if (isWanted && !this.#session.peersAllowed) {
      this.#open();
      return;
    }
    this.#askIfNeeded();
    this.#updateStats(this.stats);
  }

  #answered(consent: PeerConsent): void {
    this.allowPeers(consent === 'allowed');
    this.dispatchEvent(new CustomEvent('shoal-consent', { detail: consent }));
  }

  #statsArrived(stats: PlayerStats): void {
    this.#updateStats(stats);
    this.#updateLiveDistance();
    this.dispatchEvent(new CustomEvent('shoal-stats', { detail: stats }));
  }

  #updateStats(stats: PlayerStats): void {
    const hasTracker = (this.getAttribute('tracker') ?? '') !== '';
    const isSwitchable = this.#canShare && hasTracker && this.#peerMode() !== 'off';
    const peersAllowed = this.#canShare && this.peersAllowed;
    this.#tree.updateStats(stats, { peersAllowed, isSwitchable });
  }

  #showOverlay(): void {
    this.#tree.showOverlay(this.hasAttribute('overlay'));
    this.#updateStats(this.stats);
  }

  #updateLiveDistance(): void {
    const edgeSeconds = this.#playback?.liveEdgeSeconds ?? null;
    this.#tree.updateLiveDistance(
      edgeSeconds === null ? null : edgeSeconds - this.media.currentTime,
    );
  }
}
