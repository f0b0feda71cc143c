// The sound of an hls.js that plays none apart from the pictures, as its light builds: which sound playlist
// belongs to a level, and what its fragments say of their sound. Loader and delivery ask it.

import { initDigestTagName, segmentDigestTagName } from '@shoal/ingest/protocol';
import type Hls from 'hls.js';
import type { Fragment, MediaPlaylist } from 'hls.js';
import type { DeliveredSegment } from '../delivery-events.ts';
import { loadSoundJoiner } from '../joined-sound/load-sound-joiner.ts';
import type { SoundJoiner } from '../joined-sound/sound-joiner.ts';
import {
  type NamedFile,
  parseSoundAttributes,
  soundInitTagName,
  soundTagName,
} from '../joined-sound/sound-tags.ts';
import { pathOf } from '../media-segment.ts';
import type { ListedFragment } from './playlist-mapping.ts';
import type { LevelSound } from './sound-joining-loader.ts';

export class JoinedSound implements LevelSound {
  #hls: Hls | null = null;
  #tracks: readonly MediaPlaylist[] = [];
  #takesChunks = true;
  #joiner: Promise<SoundJoiner> | null = null;

  attach(hls: Hls, HlsClass: typeof Hls): void {
    const { audioStreamController, audioTrackController } = hls.config;
    if (audioStreamController && audioTrackController) return;
    this.#hls = hls;
    this.#takesChunks = !hls.config.progressive || !HlsClass.version.startsWith('1.6.');
    // The last word before the first level is loaded.
    hls.on(HlsClass.Events.MANIFEST_PARSED, (_event, { audioTracks }) => {
      this.#tracks = audioTracks;
    });
  }

  /**
   * Whether a joined segment may be handed over while it arrives: hls.js 1.6 would move the last chunk,
   * which has only sound.
   */
  get takesChunks(): boolean {
    return this.#takesChunks;
  }

  /** Loaded once; one that could not be had is asked for again. */
  joiner(): Promise<SoundJoiner> {
    this.#joiner ??= loadSoundJoiner().catch((error: unknown) => {
      this.#joiner = null;
      throw error;
    });
    return this.#joiner;
  }

  /** Both as one, for hls.js. */
  async join(
    loadingPictures: Promise<DeliveredSegment>,
    loadingSound: Promise<DeliveredSegment>,
    how: 'joinInitSections' | 'joinSegments',
  ): Promise<DeliveredSegment> {
    const loading = [loadingPictures, loadingSound, this.joiner()] as const;
    const [pictures, sound, joiner] = await Promise.all(loading);
    const { source, transfer } = pictures;
    const finishedAtMs = Math.max(transfer?.finishedAtMs ?? 0, sound.transfer?.finishedAtMs ?? 0);
    return {
      bytes: joiner[how](new Uint8Array(pictures.bytes), new Uint8Array(sound.bytes)).buffer,
      source,
      transfer: transfer && { ...transfer, finishedAtMs },
    };
  }

  playlistUrlOf(levelUrl: string): string | null {
    return this.trackOf(levelUrl)?.url ?? null;
  }

  /** The sound of a level that hls.js cannot play by itself; `null` when there is none. */
  trackOf(levelUrl: string): MediaPlaylist | null {
    const path = pathOf(levelUrl);
    const group = this.#hls?.levels.find(({ uri }) => pathOf(uri) === path)?.attrs.AUDIO;
    if (group === undefined) return null;
    const tracks = this.#tracks.filter(({ groupId, url }) => groupId === group && url);
    return tracks.find((track) => track.default) ?? tracks[0] ?? null;
  }
}

function fileIn(fragment: Pick<Fragment, 'tagList'> | null, tagName: string): NamedFile | null {
  const tag = fragment?.tagList.find(([name]) => name === tagName)?.[1];
  return tag === undefined ? null : parseSoundAttributes(tag);
}

/** The sound that belongs to an init section; `null` without any. */
export function soundInitOf(
  init: Pick<Fragment, 'tagList'> | null,
): Pick<Fragment, 'sn' | 'url' | 'tagList'> | null {
  const file = fileIn(init, soundInitTagName);
  if (file === null) return null;
  return { sn: 'initSegment', url: file.url, tagList: [[initDigestTagName, file.attributes]] };
}

/** The sound that belongs to a fragment, as if hls.js had listed it; `null` without any. */
export function soundFragmentOf(fragment: ListedFragment): ListedFragment | null {
  const file = fileIn(fragment, soundTagName);
  if (file === null) return null;
  const { sn, cc, start, duration, initSegment } = fragment;
  return {
    ...{ sn, cc, start, duration, url: file.url, byteRange: [] },
    tagList: [[segmentDigestTagName, file.attributes]],
    initSegment: soundInitOf(initSegment),
  };
}
