// What the element needs from a playback, whichever engine it is: hls.js or the browser's own.
// `hls-playback.ts` and `native-playback.ts` implement it.

import type { PlaybackState } from './playback-state.ts';

export interface PlaybackOptions {
  readonly sourceUrl: string;
  readonly video: HTMLVideoElement;
  /** Told every change of state, never after `close()`. */
  readonly onState: (state: PlaybackState) => void;
  /** The stream is known and may be played: called once per successful load of the playlist. */
  readonly onPlayable: () => void;
  /** The renditions are known, others than before. */
  readonly onRenditions: () => void;
  /** The stream became live or ended, or its window has another length. */
  readonly onTimeline: () => void;
}

/** A quality that the viewer can choose. */
export interface PlayableRendition {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  readonly bitrateBps: number;
}

export interface Playback {
  /** Whether the stream is live now, `null` before that is known. */
  readonly isLive: boolean | null;
  /** Where live playback is held, in seconds of the media's timeline; `null` when not live. */
  readonly liveEdgeSeconds: number | null;
  /** Length of what can be played now in seconds: the live window or the recording; 0 unknown. */
  readonly windowSeconds: number;
  readonly renditions: readonly PlayableRendition[];
  /** @param id of a rendition, or `null` to let the playback choose */
  selectRendition(id: string | null): void;
  /** Capture time in Unix milliseconds of position zero of the media's timeline, if known. */
  readonly zeroDateMs: number | null;
  /** Stops everything and lets go of the video; idempotent. */
  close(): void;
}
