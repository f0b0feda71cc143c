// Stands in for `joined-sound.ts` and `sound-joining-loader.ts` in `shoal.js`, whose hls.js plays sound by
// itself: what other builds need would be 1 kB that no page of it runs.

import type { PlaylistLoaderConstructor } from 'hls.js';
import type { JoinedSound as WholeJoinedSound } from './joined-sound.ts';
import type { PlaylistLoaders } from './sound-joining-loader.ts';

export class JoinedSound implements Pick<WholeJoinedSound, keyof WholeJoinedSound> {
  readonly takesChunks = true;
  readonly joiner = null;

  attach(): void {}

  loadJoiner(): Promise<never> {
    return Promise.reject(new TypeError('shoal.js joins no sound; use shoal-hls.js'));
  }

  trackOf(): null {
    return null;
  }
}

export function makeSoundJoiningLoader({ Level }: PlaylistLoaders): PlaylistLoaderConstructor {
  return Level;
}
