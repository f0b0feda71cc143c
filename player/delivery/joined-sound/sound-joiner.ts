// What joins sound to pictures, as one module: only players without sound of their own load it, and late.
// The builds that are one file have it as `shoal-sound.js` beside themselves.

import { joinedLoad } from './joined-load.ts';
import { joinedInit, joinedSegment } from './joined-segment.ts';
import { soundFragmentOf, soundInitOf, soundPlaylistOf } from './sound-fragment.ts';

export const soundJoiner = {
  ...{ joinedLoad, joinedInit, joinedSegment },
  ...{ soundFragmentOf, soundInitOf, soundPlaylistOf },
} as const;

export type SoundJoiner = typeof soundJoiner;
