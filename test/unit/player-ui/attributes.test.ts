// The attributes of `<shoal-player>` as options of a session.
// Pure function of `player/player-attributes.ts`.

import { describe, expect, it } from 'vitest';
import { parsePeerMode } from '../../../player/player-attributes.ts';

describe('parsePeerMode', () => {
  it('knows the three modes and takes everything else for the default', () => {
    expect(['on', 'off', 'consent', '', 'yes', null].map(parsePeerMode)).toEqual([
      'on',
      'off',
      'consent',
      'on',
      'on',
      'on',
    ]);
  });
});
