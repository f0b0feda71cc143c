// One playback by hls.js with its delivery, its counting and its beacons. `create-shoal-hls.ts`
// makes it and gives it to pages as `hls.shoal`.

import { swarmKeyOfToken } from '@shoal/tracker/protocol';
import type Hls from 'hls.js';
import type { FragmentLoaderContext } from 'hls.js';
import { type ShoalConfig, shoalDefaults } from './config.ts';
import { loadP2pMediaLoader } from './delivery/exchange/load-p2p-media-loader.ts';
import type { FragmentSource } from './delivery/hls/fragment-loader.ts';
import { HlsDelivery } from './delivery/hls/hls-delivery.ts';
import { JoinedSound } from './delivery/hls/joined-sound.ts';
import { LiveApproach } from './delivery/hls/live-approach.ts';
import type { NetworkEstimate } from './delivery/hls/load-stats.ts';
import { makePageFetch } from './delivery/hls/page-requests.ts';
import { IceServerSource } from './delivery/ice-server-source.ts';
import {
  CdnError,
  CdnFetch,
  type DeliveredSegment,
  type DeliveryEvents,
  type FetchUrl,
  HybridDelivery,
  makeViewerId,
  randomCharacters,
  SignatureCheck,
  trackerHttpUrl,
  trackerSocketUrl,
} from './delivery/index.ts';
import { loadTrackerClientClass } from './delivery/pieces/tracker-client.ts';
import type { OnArriving } from './delivery/segment-progress.ts';
import { EventListeners } from './event-listeners.ts';
import { FirstPicture } from './first-picture.ts';
import { isPlaylistTrouble } from './guard/playlist-trouble.ts';
import { guardObservation } from './guard-observation.ts';
import { storeLimitBytes } from './manners/upload-rules.ts';
import { PeerControl } from './peer-control.ts';
import type { PeerStatus } from './peer-status.ts';
import { RemoteConfig } from './remote-config.ts';
import type { ShoalEvents, ShoalSession } from './session.ts';
import type { PlayerStats } from './stats.ts';
import { BeaconReporter, DeliveryMeter, PlaybackMeter, streamNameOf } from './telemetry/index.ts';
import { liveLatencySeconds } from './telemetry/live-latency.ts';
import { observePlayback } from './telemetry/observe-playback.ts';
import { tokenFrom, ViewerTokens } from './viewer-tokens.ts';

/** One source being played; a new `loadSource` makes a new one. */
interface Playback {
  readonly delivery: HybridDelivery;
  readonly hlsDelivery: HlsDelivery;
  readonly reporter: BeaconReporter | null;
  readonly remote: RemoteConfig | null;
  readonly firstPicture: FirstPicture;
}

const statsIntervalMs = 1_000;
const observeIntervalMs = 1_000;
const assumedThroughputBps = 5_000_000;
const assumedFirstByteMs = 50;

function hasWebRtc(): boolean {
  return typeof globalThis.RTCPeerConnection === 'function';
}

export class HlsSession implements ShoalSession, FragmentSource {
  readonly #config: ShoalConfig;
  readonly #listeners = new EventListeners<ShoalEvents>();
  readonly #onPageHide = (): void => {
    void this.#playback?.reporter?.end(true);
    // Neighbours hear it instead of finding out; a page that comes back joins at the next look.
    this.#playback?.delivery.allowPeers(false);
  };
  #hls: Hls | null = null;
  #meter = new DeliveryMeter();
  #playbackMeter = new PlaybackMeter(performance.now());
  #playback: Playback | null = null;
  #stopObserving: (() => void) | null = null;
  #tokens: ViewerTokens | null = null;
  #statsTimer: ReturnType<typeof setInterval> | null = null;
  #observeTimer: ReturnType<typeof setInterval> | null = null;
  #errorCount = 0;
  #isDestroyed = false;
  #peersAllowed: boolean;
  readonly #control: PeerControl;
  readonly #cdnFetch: CdnFetch;
  /** For an hls.js that plays no sound apart from the pictures. */
  readonly joinedSound = new JoinedSound();

  constructor(config: ShoalConfig) {
    this.#config = config;
    this.#peersAllowed = (config.p2p ?? shoalDefaults.p2p) === 'on';
    this.#cdnFetch = new CdnFetch({
      fetch: makePageFetch(() => this.#hls?.config ?? {}),
      bases: config.cdnBaseUrls ?? [],
      refreshAccess: config.refreshCdnAccess ?? null,
      nowMs: () => performance.now(),
      random: Math.random,
    });
    this.#control = new PeerControl(
      {
        session: randomCharacters(22),
        canConnect: hasWebRtc(),
        p2pShare: config.p2pShare ?? shoalDefaults.p2pShare,
        minViewers: config.minViewers ?? shoalDefaults.minViewers,
        uploadLimitBps: config.uploadLimitBps ?? shoalDefaults.uploadLimitBps,
        maxUploadRatio: config.maxUploadRatio ?? shoalDefaults.maxUploadRatio,
        usesGuard: config.qualityGuard ?? shoalDefaults.qualityGuard,
        random: Math.random,
        onGuard: (decision) => this.#listeners.emit('shoal-guard', decision),
      },
      this.#peersAllowed,
    );
  }

  get stats(): PlayerStats {
    const { startupSeconds, stallCount, stallSeconds } = this.#playbackMeter.totals(
      performance.now(),
    );
    return {
      ...this.#meter.totals,
      offloadRatio: this.#meter.offloadRatio,
      peerCount: this.#meter.peerCount,
      stallCount,
      stallSeconds,
      startupSeconds,
      liveLatencySeconds: this.#hls ? liveLatencySeconds(this.#hls, Date.now()) : null,
      rendition: this.#playback?.hlsDelivery.rendition ?? null,
    };
  }

  /** Why the CDN was asked, in bytes: for the benchmarks, pages are promised nothing of it. */
  get fetchedBytes(): Readonly<Record<string, number>> {
    return this.#meter.fetchedBytes;
  }

  get peersAllowed(): boolean {
    return this.#peersAllowed;
  }

  get peerStatus(): PeerStatus {
    return this.#control.status;
  }

  allowPeers(allowed: boolean): void {
    if (this.#config.p2p === 'off') return;
    this.#peersAllowed = allowed;
    this.#control.allow(allowed);
  }

  on<Name extends keyof ShoalEvents>(
    event: Name,
    listener: (detail: ShoalEvents[Name]) => void,
  ): () => void {
    // Nothing will be told any more, and a timer would never be freed.
    if (this.#isDestroyed) return () => undefined;
    const remove = this.#listeners.add(event, listener);
    this.#keepStatsTimer();
    return () => {
      remove();
      this.#keepStatsTimer();
    };
  }

  /** Follows an hls.js instance until it is destroyed. */
  attach(hls: Hls, HlsClass: typeof Hls): void {
    this.#hls = hls;
    this.joinedSound.attach(hls, HlsClass);
    const { Events } = HlsClass;
    hls.on(Events.MANIFEST_LOADING, () => {
      this.#close();
      this.#playbackMeter = new PlaybackMeter(performance.now());
    });
    hls.on(Events.MANIFEST_LOADED, (_event, { url }) => this.#open(hls, url));
    hls.on(Events.LEVEL_UPDATED, (_event, { level, details }) => {
      this.#playback?.hlsDelivery.playlistUpdated('main', level, details);
    });
    hls.on(Events.AUDIO_TRACK_UPDATED, (_event, { id, details }) => {
      this.#playback?.hlsDelivery.playlistUpdated('audio', id, details);
    });
    hls.on(Events.MEDIA_ATTACHING, () => {
      // Where the playlist is there before the element is open, hls.js would begin to load up to 100 ms
      // later: it looks at its next tick.
      hls.config.startFragPrefetch = hls.userConfig.startFragPrefetch ?? true;
    });
    hls.on(Events.MEDIA_ATTACHED, (_event, { media }) => {
      const approach = new LiveApproach();
      this.#unobserve();
      this.#stopObserving = observePlayback(media, {
        onEvent: (event, bufferedSeconds) =>
          this.#playbackMeter.handle(event, performance.now(), bufferedSeconds),
        onPicture: () => this.#playback?.firstPicture.show(),
        onPlayhead: (positionSeconds) => {
          this.#playback?.delivery.updatePlayhead(positionSeconds);
          // Alone there is nobody to wait for at a greater distance.
          if (this.#meter.peerCount > 0) approach.update(hls, media);
        },
      });
    });
    hls.on(Events.MEDIA_DETACHING, () => this.#unobserve());
    hls.on(Events.ERROR, (_event, { fatal, details }) => {
      if (fatal) this.#errorCount += 1;
      if (isPlaylistTrouble(details)) this.#meter.onCdnTrouble();
    });
    hls.on(Events.DESTROYING, () => this.#destroy());
    globalThis.addEventListener?.('pagehide', this.#onPageHide);
  }

  /** For playlists, where they are to come over the same CDNs as segments; `null` leaves them alone. */
  get fetchPlaylist(): FetchUrl | null {
    const { cdnBaseUrls = [], refreshCdnAccess } = this.#config;
    return cdnBaseUrls.length > 0 || refreshCdnAccess ? this.#cdnFetch.fetch : null;
  }

  async load(
    context: FragmentLoaderContext,
    signal: AbortSignal,
    onArriving?: OnArriving,
  ): Promise<DeliveredSegment> {
    const playback = this.#playback;
    if (!playback) throw new CdnError(0, 'no playlist was loaded yet', 0);
    return playback.hlsDelivery.load(context, signal, onArriving);
  }

  networkEstimate(): NetworkEstimate {
    const throughputBps = this.#hls?.bandwidthEstimate ?? Number.NaN;
    const firstByteMs = this.#hls?.ttfbEstimate ?? Number.NaN;
    return {
      throughputBps: Number.isFinite(throughputBps) ? throughputBps : assumedThroughputBps,
      firstByteMs: Number.isFinite(firstByteMs) ? firstByteMs : assumedFirstByteMs,
    };
  }

  #open(hls: Hls, manifestUrl: string): void {
    this.#close();
    const { tracker, iceServers, integrityKey } = this.#config;
    this.#tokens ??= this.#openTokens();
    const tokens = this.#tokens;
    const token = (): string | undefined => tokens.current;
    const playlistUrl = new URL(manifestUrl, globalThis.location?.href).href;
    const viewerId = makeViewerId(this.#control.status.upload.canUpload);
    const fetch: typeof globalThis.fetch = (input, init) => globalThis.fetch(input, init);
    const ice = new IceServerSource({
      given: iceServers,
      trackerHttpUrl: tracker ? trackerHttpUrl(tracker) : null,
      ...{ token, fetch },
    });
    const meter = this.#meter;
    const firstPicture = new FirstPicture();
    const delivery = new HybridDelivery({
      playlistUrl,
      trackerUrl: hasWebRtc() && tracker ? trackerSocketUrl(tracker, undefined) : null,
      token,
      exchange: this.#config.exchange ?? shoalDefaults.exchange,
      loadCore: async () => {
        await tokens.ready();
        await Promise.all([ice.load(), firstPicture.isThere]);
        return loadP2pMediaLoader();
      },
      loadTrackerClientClass: async () => {
        await tokens.ready();
        await Promise.all([ice.load(), firstPicture.isThere]);
        return loadTrackerClientClass();
      },
      iceServers: ice.servers,
      viewerId,
      checksWhole: integrityKey !== undefined,
      relayOnly: this.#config.relayOnly ?? shoalDefaults.relayOnly,
      storeLimitBytes: this.#config.storeLimitBytes ?? storeLimitBytes(this.#control.memoryGb),
      fetch: this.#cdnFetch.fetch,
      nowMs: () => performance.now(),
      events: this.#eventsOf(this.#meter),
      onFetch: (reason, sizeBytes) => meter.onFetch(reason, sizeBytes),
    });
    this.#control.attach(delivery);
    this.#observeTimer = setInterval(() => this.#observe(), observeIntervalMs);
    const configUrl = tracker ? trackerHttpUrl(tracker) : null;
    this.#playback = {
      firstPicture,
      remote: configUrl === null ? null : this.#openRemoteConfig(configUrl),
      delivery,
      hlsDelivery: new HlsDelivery(
        hls,
        delivery,
        integrityKey ? new SignatureCheck(integrityKey) : null,
        this.joinedSound,
      ),
      reporter: this.#openReporter(playlistUrl, viewerId),
    };
  }

  #openReporter(playlistUrl: string, viewerId: string): BeaconReporter | null {
    const { telemetry, tracker } = this.#config;
    if (telemetry === 'off') return null;
    const base = telemetry || tracker;
    const url = base ? trackerHttpUrl(base) : null;
    if (url === null) return null;
    return new BeaconReporter({
      url,
      token: () => this.#tokens?.current,
      onTokenRefused: () => this.#tokens?.refused() ?? false,
      session: randomCharacters(22),
      stream: streamNameOf(playlistUrl),
      totals: () => ({
        ...this.#meter.totals,
        ...this.#meter.troubles,
        ...this.#playbackMeter.totals(performance.now()),
        errorCount: this.#errorCount,
      }),
      state: () => ({
        ...this.stats,
        p2pEnabled: this.#control.isAssigned && this.#config.tracker !== undefined,
        heldOut: this.#peersAllowed && this.#control.status.isHeldOut,
        guard: this.#control.status.guard.level,
      }),
      onConfigVersion: (version) => this.#playback?.remote?.noteVersion(version),
      viewerId,
      takeExchanged: () => this.#meter.takeExchanged(),
      fetch: (input, init) => globalThis.fetch(input, init),
      sendBeacon: (to, body) => globalThis.navigator?.sendBeacon?.(to, body) ?? false,
      nowMs: () => performance.now(),
    });
  }

  /** Nobody is asked for a token where nothing needs one. */
  #openTokens(): ViewerTokens {
    const { token, tokenUrl, refreshToken, tracker, telemetry, p2p } = this.#config;
    const isNeeded = telemetry === 'off' ? tracker && p2p !== 'off' : telemetry || tracker;
    const fromUrl = tokenUrl ? tokenFrom(tokenUrl, (url, init) => fetch(url, init)) : null;
    return new ViewerTokens({
      token,
      refresh: isNeeded ? (refreshToken ?? fromUrl) : null,
      nowMs: () => Date.now(),
      random: Math.random,
      onRenewed: (before, after) => {
        // Without a key, or with that of an older secret, this viewer looks for the others in vain.
        if (swarmKeyOfToken(before) !== swarmKeyOfToken(after)) this.#control.rejoin();
      },
    });
  }

  #openRemoteConfig(url: string): RemoteConfig {
    return new RemoteConfig({
      url,
      fetch: (input, init) => globalThis.fetch(input, init),
      nowMs: () => performance.now(),
      onConfig: (config) => this.#control.setRemote(config),
    });
  }

  #observe(): void {
    const hls = this.#hls;
    if (!hls) return;
    const nowMs = performance.now();
    const playback = this.#playbackMeter.totals(nowMs);
    this.#control.observe(guardObservation(hls, this.#meter, playback, nowMs), this.#meter.totals);
  }

  /** Ends what was being played; the counters begin anew with the next source. */
  #close(): void {
    const playback = this.#playback;
    if (!playback) return;
    this.#playback = null;
    if (this.#observeTimer !== null) clearInterval(this.#observeTimer);
    this.#observeTimer = null;
    void playback.reporter?.end(false);
    playback.remote?.close();
    playback.firstPicture.close();
    this.#control.detach();
    playback.delivery.close();
    this.#meter = new DeliveryMeter();
    this.#errorCount = 0;
  }

  #unobserve(): void {
    this.#stopObserving?.();
    this.#stopObserving = null;
  }

  #destroy(): void {
    globalThis.removeEventListener?.('pagehide', this.#onPageHide);
    this.#unobserve();
    this.#close();
    this.#control.close();
    this.#tokens?.close();
    this.#isDestroyed = true;
    this.#listeners.clear();
    this.#keepStatsTimer();
    this.#hls = null;
  }

  /** The timer runs while somebody listens to the statistics. */
  #keepStatsTimer(): void {
    if (this.#listeners.has('shoal-stats')) {
      this.#statsTimer ??= setInterval(
        () => this.#listeners.emit('shoal-stats', this.stats),
        statsIntervalMs,
      );
    } else if (this.#statsTimer !== null) {
      clearInterval(this.#statsTimer);
      this.#statsTimer = null;
    }
  }

  /** Counts and tells the page. */
  #eventsOf(meter: DeliveryMeter): DeliveryEvents {
    return {
      onDelivered: (source, sizeBytes) => {
        meter.onDelivered(source, sizeBytes);
        this.#listeners.emit('shoal-delivered', { source, sizeBytes });
      },
      onDiscarded: (sizeBytes) => meter.onDiscarded(sizeBytes),
      onUploaded: (sizeBytes) => meter.onUploaded(sizeBytes),
      onRelayed: (sizeBytes) => meter.onRelayed(sizeBytes),
      onCdnTrouble: () => meter.onCdnTrouble(),
      onExchanged: (peerId, receivedBytes, sentBytes) =>
        meter.onExchanged(peerId, receivedBytes, sentBytes),
      onPeerCount: (peerCount) => {
        if (peerCount === meter.peerCount) return;
        meter.onPeerCount(peerCount);
        this.#listeners.emit('shoal-peers', { peerCount });
      },
    };
  }
}
