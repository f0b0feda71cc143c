// Joins one hls.js instance and delivery: playlists and play head go down, fragments come up.
// Created for each source that hls.js loads; the session above owns it.

import type Hls from 'hls.js';
import type { FragmentLoaderContext } from 'hls.js';
import type { DeliveredSegment } from '../delivery-events.ts';
import type { HybridDelivery } from '../hybrid-delivery.ts';
import {
  type MediaTrack,
  type RenditionPlaylist,
  renditionName,
  withoutQuery,
} from '../media-segment.ts';
import type { OnArriving } from '../segment-progress.ts';
import type { SignatureCheck } from '../verification/signature-check.ts';
import type { JoinedSound } from './joined-sound.ts';
import {
  digestOf,
  type HlsPlaylist,
  type ListedFragment,
  type ListedFragments,
  type LoadedPlaylist,
  levelAttributesOf,
  renditionPlaylistOf,
  segmentOf,
  signedSegmentOf,
  soundAttributesOf,
} from './playlist-mapping.ts';

/** Signatures that are checked ahead: more would hold up the page where script does it. */
const checkedAtOnce = 15;

export class HlsDelivery {
  readonly #hls: Hls;
  readonly #delivery: HybridDelivery;
  readonly #signatures: SignatureCheck | null;
  readonly #joinedSound: JoinedSound;
  readonly #updates = new Map<MediaTrack, ListedFragments>();
  #rendition: string | null = null;

  /** @param signatures the pinned key; `null` takes what has a digest */
  constructor(
    hls: Hls,
    delivery: HybridDelivery,
    signatures: SignatureCheck | null,
    joinedSound: JoinedSound,
  ) {
    this.#hls = hls;
    this.#delivery = delivery;
    this.#signatures = signatures;
    this.#joinedSound = joinedSound;
  }

  /** Name of the rendition that was loaded last. */
  get rendition(): string | null {
    return this.#rendition;
  }

  /** A media playlist was loaded or refreshed: of a level, or of an audio track. */
  playlistUpdated(track: MediaTrack, index: number, details: ListedFragments): void {
    const playlist = this.#playlist(track, index);
    if (playlist === null) return;
    this.#update(playlist, details);
    const sound = track === 'main' ? this.#soundOf(playlist.url, details) : null;
    if (sound?.details) this.#update(sound, sound.details);
  }

  /** The bytes for hls.js, from peers or CDN. */
  async load(
    context: FragmentLoaderContext,
    signal: AbortSignal,
    onArriving?: OnArriving,
  ): Promise<DeliveredSegment> {
    const { frag, part } = context;
    const track = frag.type === 'main' || frag.type === 'audio' ? frag.type : null;
    const playlist = track === null ? null : this.#playlist(track, frag.level);
    if (track === 'main' && playlist) this.#rendition = renditionName(playlist.url);
    const segment = part === null ? segmentOf(frag) : null;
    const { joiner, takesChunks } = this.#joinedSound;
    if (!playlist || segment === null) {
      const loaded = this.#loadFromCdn(context, signal);
      const init = frag.sn === 'initSegment' ? joiner?.soundInitOf(frag) : null;
      if (!joiner || !init) return loaded;
      const sound = this.#delivery.loadFromCdn(init.url, digestOf(init), signal);
      return joiner.joinedInit(loaded, sound);
    }
    const sound = joiner?.soundFragmentOf(frag) ?? null;
    const arriving = sound === null || takesChunks ? onArriving : undefined;
    const fromCdn = (): Promise<DeliveredSegment> => this.#loadFromCdn(context, signal);
    const pictures = this.#loadSegment(playlist, frag, fromCdn, signal, arriving);
    if (!joiner || sound === null) return pictures;
    return joiner.joinedSegment(pictures, this.#loadSound(playlist, sound, signal));
  }

  #loadSound(
    { url, details }: LoadedPlaylist,
    fragment: ListedFragment,
    signal: AbortSignal,
  ): Promise<DeliveredSegment> {
    const fromCdn = (): Promise<DeliveredSegment> =>
      this.#delivery.loadFromCdn(fragment.url, digestOf(fragment), signal);
    const playlist = details ? this.#soundOf(url, details) : null;
    return this.#loadSegment(playlist, fragment, fromCdn, signal);
  }

  async #loadSegment(
    playlist: LoadedPlaylist | null,
    fragment: ListedFragment,
    fromCdn: () => Promise<DeliveredSegment>,
    signal: AbortSignal,
    onArriving?: OnArriving,
  ): Promise<DeliveredSegment> {
    const segment = segmentOf(fragment);
    if (!playlist?.details || segment === null || segment.digest === null) return fromCdn();
    const { details } = playlist;
    if (!(await this.#isSigned(fragment))) return fromCdn();
    if (!details.live && this.#signatures) {
      const { fragments } = details;
      const index = fragments.findIndex(({ sn }) => sn === fragment.sn);
      const next = fragments.slice(index, index + checkedAtOnce);
      this.#checkAndUpdate(this.#signatures, playlist, details, next);
    }
    this.#delivery.activate(this.#exchangeable(playlist, details));
    return this.#delivery.load(playlist.url, segment, signal, onArriving);
  }

  #update(playlist: HlsPlaylist, details: ListedFragments): void {
    const { fragments } = details;
    // Of a recording what is loaded is checked, and what comes next (see `load`).
    if (this.#signatures && details.live)
      this.#checkAndUpdate(this.#signatures, playlist, details, fragments.slice(-checkedAtOnce));
    else this.#delivery.updatePlaylist(this.#exchangeable(playlist, details));
  }

  /** Only what the pinned key has signed is shown to delivery, and so to peers. */
  #exchangeable(playlist: HlsPlaylist, details: ListedFragments): RenditionPlaylist {
    return renditionPlaylistOf(playlist, details, (fragment) => {
      if (!this.#signatures) return true;
      const signed = signedSegmentOf(fragment);
      return signed !== null && this.#signatures.isKnownSigned(signed);
    });
  }

  /** Delivery is told of a playlist when the signatures of `fragments` have been checked. */
  #checkAndUpdate(
    signatures: SignatureCheck,
    playlist: HlsPlaylist,
    details: ListedFragments,
    fragments: readonly ListedFragment[],
  ): void {
    const update = (): void => this.#delivery.updatePlaylist(this.#exchangeable(playlist, details));
    const unchecked = fragments
      .map(signedSegmentOf)
      .filter((signed) => signed !== null && !signatures.isKnownSigned(signed));
    if (unchecked.length === 0) {
      if (details.live) update();
      return;
    }
    this.#updates.set(playlist.track, details);
    void Promise.all(unchecked.map((signed) => signed && signatures.check(signed))).then(() => {
      // A newer playlist may have been checked sooner.
      if (this.#updates.get(playlist.track) === details) update();
    });
  }

  async #isSigned(fragment: ListedFragment): Promise<boolean> {
    if (!this.#signatures) return true;
    const signed = signedSegmentOf(fragment);
    return signed !== null && (await this.#signatures.check(signed));
  }

  #loadFromCdn(context: FragmentLoaderContext, signal: AbortSignal): Promise<DeliveredSegment> {
    const headers: Record<string, string> = { ...context.headers };
    const { rangeStart, rangeEnd } = context;
    const isRange = rangeEnd !== undefined && rangeEnd > 0;
    // hls.js's end is exclusive, HTTP's is inclusive (RFC 9110 §14.1.2).
    if (isRange) headers.range = `bytes=${rangeStart ?? 0}-${rangeEnd - 1}`;
    const digest = isRange || context.part !== null ? null : digestOf(context.frag);
    return this.#delivery.loadFromCdn(context.url, digest, signal, { headers });
  }

  /** A fragment's `level` is the index of its level, or of its audio track in the level's group. */
  #playlist(track: MediaTrack, index: number): LoadedPlaylist | null {
    if (track === 'main') {
      const level = this.#hls.levels[index];
      if (!level?.uri) return null;
      const { uri, details } = level;
      return { track, url: withoutQuery(uri), attributes: levelAttributesOf(level), details };
    }
    const audio = this.#hls.audioTracks[index];
    if (!audio?.url) return null;
    const { url, details } = audio;
    return { track, url: withoutQuery(url), attributes: soundAttributesOf(audio), details };
  }
  /** The playlist of the sound that is joined to a level's pictures. */
  #soundOf(levelUrl: string, details: ListedFragments): LoadedPlaylist | null {
    const sound = this.#joinedSound.trackOf(levelUrl);
    return sound && (this.#joinedSound.joiner?.soundPlaylistOf(sound, details) ?? null);
  }
}
