// The sound of an hls.js that plays none apart from the pictures, as its light builds: which sound playlist
// belongs to a level, and what joins the two, once that is loaded. Loader and delivery ask it.

import type Hls from 'hls.js';
import type { MediaPlaylist } from 'hls.js';
import { loadSoundJoiner } from '../joined-sound/load-sound-joiner.ts';
import type { SoundJoiner } from '../joined-sound/sound-joiner.ts';
import { pathOf } from '../media-segment.ts';

export class JoinedSound {
  /**
   * Whether a joined segment may be handed over while it arrives: hls.js 1.6 would move the last chunk,
   * which has only sound.
   */
  takesChunks = true;
  /** `null` before a joined playlist was loaded. */
  joiner: SoundJoiner | null = null;
  #hls: Hls | null = null;
  #tracks: readonly MediaPlaylist[] = [];

  attach(hls: Hls, HlsClass: typeof Hls): void {
    const { audioStreamController, audioTrackController, progressive } = hls.config;
    if (audioStreamController && audioTrackController) return;
    this.#hls = hls;
    this.takesChunks = !progressive || !HlsClass.version.startsWith('1.6.');
    // The last word before the first level is loaded.
    hls.on(HlsClass.Events.MANIFEST_PARSED, (_event, { audioTracks }) => {
      this.#tracks = audioTracks;
    });
  }

  /** `null` when it cannot be had: then pictures play without sound, as they would without Shoal. */
  async loadJoiner(): Promise<SoundJoiner | null> {
    try {
      this.joiner ??= await loadSoundJoiner();
    } catch (error) {
      this.#tracks = [];
      console.warn('Shoal: there is no sound, since what joins it could not be loaded.', error);
    }
    return this.joiner;
  }

  /** The sound of a level that hls.js cannot play by itself; `null` when there is none. */
  trackOf(levelUrl: string): MediaPlaylist | null {
    const path = pathOf(levelUrl);
    const group = this.#hls?.levels.find(({ uri }) => pathOf(uri) === path)?.attrs.AUDIO;
    return (group && this.#tracks.find(({ groupId, url }) => groupId === group && url)) || null;
  }
}
