// `<shoal-player>`: a media element that plays a stream with the help of its viewers. Joins the
// attributes, the playback (hls.js through `createShoalHls`, or the browser's own) and the views.

import Hls from 'hls.js';
import type { PeerMode } from './config.ts';
import { createShoalHls } from './create-shoal-hls.ts';
import { parsePeerMode, sessionAttributes, shoalConfigOf } from './player-attributes.ts';
import type { ShoalSession } from './session.ts';
import type { PlayerStats } from './stats.ts';
import { startWithinPolicy } from './ui/autoplay.ts';
import { type PeerConsent, rememberConsent, rememberedConsent } from './ui/consent-memory.ts';
import { emptyStats } from './ui/empty-stats.ts';
import { HlsPlayback } from './ui/hls-playback.ts';
import { forwardedAttributes, MediaDelegation } from './ui/media-delegation.ts';
import { NativePlayback } from './ui/native-playback.ts';
import { listenForOverlayKey } from './ui/overlay-shortcut.ts';
import type { Playback, PlaybackOptions } from './ui/playback.ts';
import type { PlaybackState } from './ui/playback-state.ts';
import { PlayerTree } from './ui/player-tree.ts';

const ownAttributes = ['p2p', 'muted', 'overlay'] as const;
const forwarded: ReadonlySet<string> = new Set(forwardedAttributes);
const session: ReadonlySet<string> = new Set(sessionAttributes);

export class ShoalPlayer extends MediaDelegation {
  static readonly observedAttributes: readonly string[] = [
    ...sessionAttributes,
    ...ownAttributes,
    ...forwardedAttributes,
  ];

  readonly #tree: PlayerTree;
  #playback: Playback | null = null;
  #session: ShoalSession | null = null;
  #stopStats: (() => void) | null = null;
  #connection: AbortController | null = null;
  #isOpenPlanned = false;
  #state: PlaybackState = { kind: 'idle' };
  /** What the viewer chose with `allowPeers()`; `null` leaves it to the attribute `p2p`. */
  #peersChosen: boolean | null = null;
  /** The viewer or `autoplay` wants the picture to move: kept across reloads of the source. */
  #wantsPlay = false;
  /** The policy muted it, not the page: the viewer gets a button to hear it. */
  #isMutedByPolicy = false;

  constructor() {
    super();
    this.#tree = new PlayerTree(this.attachShadow({ mode: 'open' }), this.media, {
      onRetry: () => this.#again(),
      onTap: () => this.#tapped(),
      onJumpToLive: () => this.seekToLive(),
      onCloseOverlay: () => this.removeAttribute('overlay'),
      onConsent: (consent) => this.#answered(consent),
    });
    this.media.addEventListener('play', () => this.#played());
    this.media.addEventListener('pause', () => {
      if (!this.media.ended) this.#wantsPlay = false;
    });
    this.media.addEventListener('timeupdate', () => this.#updateLiveDistance());
    this.media.addEventListener('volumechange', () => this.#updateSoundButton());
  }

  get src(): string {
    return this.getAttribute('src') ?? '';
  }
  set src(url: string) {
    this.setAttribute('src', url);
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

  /** Starts or stops the exchange with other viewers; the picture goes on in both cases. */
  allowPeers(allowed: boolean): void {
    this.#peersChosen = allowed;
    if (this.#peerModeAttribute() === 'consent') {
      rememberConsent(allowed ? 'allowed' : 'refused');
    }
    this.#applyPeerMode();
  }

  /** Opens the source again, as `HTMLMediaElement.load()` does. */
  load(): void {
    this.#open();
  }

  override play(): Promise<void> {
    if (this.#playback === null) this.#open();
    return super.play();
  }

  /** Jumps to where live playback is held and plays; nothing happens on recordings. */
  seekToLive(): void {
    const edgeSeconds = this.#playback?.liveEdgeSeconds ?? null;
    if (edgeSeconds === null) return;
    this.media.currentTime = edgeSeconds;
    void startWithinPolicy(this.media);
  }

  connectedCallback(): void {
    this.#connection?.abort();
    this.#connection = new AbortController();
    listenForOverlayKey(this, () => this.toggleAttribute('overlay'), this.#connection.signal);
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
    if (name === 'controls') this.#updateSoundButton();
    if (name === 'p2p') {
      this.#peersChosen = null;
      this.#applyPeerMode();
    }
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
      sourceUrl: new URL(this.src, document.baseURI).href,
      video: this.media,
      onState: (state) => this.#show(state),
      onPlayable: () => void this.#start(),
    };
    if (Hls.isSupported()) this.#playback = this.#openHls(options);
    else if (NativePlayback.isSupported(this.media)) this.#playback = new NativePlayback(options);
    else this.#show({ kind: 'failed', failure: 'not-supported' });
  }

  #openHls(options: PlaybackOptions): Playback {
    const hls = createShoalHls(Hls, { shoal: shoalConfigOf(this, this.#peerMode()) });
    this.#session = hls.shoal;
    this.#stopStats = hls.shoal.on('shoal-stats', (stats) => this.#statsArrived(stats));
    this.#tree.showConsentQuestion(this.#mustAsk());
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
    this.#tree.updateLiveDistance(null);
    this.#show({ kind: 'idle' });
  }

  #show(state: PlaybackState): void {
    this.#state = state;
    this.#tree.showState(state);
    this.#updateLiveDistance();
    this.#updateSoundButton();
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

  /** Without native controls there is no other way to hear a player that began muted. */
  #updateSoundButton(isTapNeeded = false): void {
    if (!this.media.muted) this.#isMutedByPolicy = false;
    const isSilent = this.media.muted && (this.#isMutedByPolicy || !this.controls);
    const isUnmuteUseful = this.#state.kind === 'active' && isSilent && !this.media.paused;
    this.#tree.showSoundButton(isTapNeeded ? 'play' : isUnmuteUseful ? 'unmute' : 'hidden');
  }

  #again(): void {
    this.#wantsPlay = true;
    if (this.#state.kind === 'ended' && !this.#state.wasLive) {
      this.media.currentTime = 0;
      void startWithinPolicy(this.media);
    } else this.#open();
  }

  #peerModeAttribute(): PeerMode {
    return parsePeerMode(this.getAttribute('p2p'));
  }

  /** The mode for the session: the viewer's choice, else the attribute and what was answered. */
  #peerMode(): PeerMode {
    const attribute = this.#peerModeAttribute();
    const remembered = attribute === 'consent' ? rememberedConsent() : null;
    const chosen = this.#peersChosen ?? (remembered === null ? null : remembered === 'allowed');
    if (chosen === null) return attribute;
    // `consent` rather than `off`: the viewer may change their mind without a reload.
    return chosen ? 'on' : 'consent';
  }

  #mustAsk(): boolean {
    return (
      this.#session !== null &&
      this.#peersChosen === null &&
      this.#peerModeAttribute() === 'consent' &&
      rememberedConsent() === null
    );
  }

  #applyPeerMode(): void {
    if (this.#session === null) return;
    const isWanted = this.#peerMode() === 'on';
    this.#session.allowPeers(isWanted);
    // A session opened with `off` has nothing to exchange with: it takes a new one.
    if (isWanted && !this.#session.peersAllowed) {
      this.#open();
      return;
    }
    this.#tree.showConsentQuestion(this.#mustAsk());
    this.#tree.updateStats(this.stats, this.peersAllowed);
  }

  #answered(consent: PeerConsent): void {
    this.allowPeers(consent === 'allowed');
    this.dispatchEvent(new CustomEvent('shoal-consent', { detail: consent }));
  }

  #statsArrived(stats: PlayerStats): void {
    this.#tree.updateStats(stats, this.peersAllowed);
    this.#updateLiveDistance();
    this.dispatchEvent(new CustomEvent('shoal-stats', { detail: stats }));
  }

  #showOverlay(): void {
    this.#tree.showOverlay(this.hasAttribute('overlay'), this.stats, this.peersAllowed);
  }

  #updateLiveDistance(): void {
    const edgeSeconds = this.#playback?.liveEdgeSeconds ?? null;
    const isShown = this.controls && this.#state.kind === 'active' && edgeSeconds !== null;
    this.#tree.updateLiveDistance(isShown ? edgeSeconds - this.media.currentTime : null);
  }
}
