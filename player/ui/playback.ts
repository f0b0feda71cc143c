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
}

export interface Playback {
  /** Whether the stream is live now. */
  readonly isLive: boolean;
  /** Where live playback is held, in seconds of the media's timeline; `null` when not live. */
  readonly liveEdgeSeconds: number | null;
  /** Stops everything and lets go of the video; idempotent. */
  close(): void;
}
