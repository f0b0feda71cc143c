// What joins sound to pictures, as one module: only players without sound of its own load it, and late.
// The builds that are one file have it as `shoal-sound.js` beside themselves.

import { joinInitSections, joinSegments } from './join-tracks.ts';
import { withSound } from './sound-in-playlist.ts';

export interface SoundJoiner {
  readonly withSound: typeof withSound;
  readonly joinInitSections: typeof joinInitSections;
  readonly joinSegments: typeof joinSegments;
}

export const soundJoiner: SoundJoiner = { withSound, joinInitSections, joinSegments };
