// What joins sound to pictures, as one module: only players without sound of their own load it, and late.
// The builds that are one file have it as `shoal-sound.js` beside themselves.

import { joinInitSections, joinSegments } from './join-tracks.ts';
import { joinedLoad } from './joined-load.ts';
import { soundFragmentOf, soundInitOf } from './sound-fragment.ts';

/** How two files become one. */
export type JoinBytes = (pictures: Uint8Array, sound: Uint8Array) => Uint8Array<ArrayBuffer>;

export const soundJoiner = {
  joinInitSections,
  joinSegments,
  joinedLoad,
  soundFragmentOf,
  soundInitOf,
} as const;

export type SoundJoiner = typeof soundJoiner;
