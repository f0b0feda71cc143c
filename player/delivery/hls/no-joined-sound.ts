// Stands in for `joined-sound.ts` in `shoal.js`, whose hls.js plays sound by itself: pages of it would load
// for nothing what other builds need.

import type { JoinedSound as WholeJoinedSound } from './joined-sound.ts';

export class JoinedSound implements Pick<WholeJoinedSound, keyof WholeJoinedSound> {
  readonly takesChunks = true;
  readonly joiner = null;

  attach(): void {}

  loadJoiner(): Promise<null> {
    return Promise.resolve(null);
  }

  trackOf(): null {
    return null;
  }
}
