// The element imported where there is no browser, as server-side rendering does.
// Its base class must exist there, although nothing can make an element.

import { describe, expect, it } from 'vitest';

describe('the element on a server', () => {
  it('can be imported without a window and registers nothing', async () => {
    expect(Reflect.has(globalThis, 'window')).toBe(false);
    expect(Reflect.has(globalThis, 'HTMLElement')).toBe(false);
    const { MediaDelegation } = await import('../../../player/ui/media-delegation.ts');
    const { PlayerTree } = await import('../../../player/ui/player-tree.ts');
    const { HlsPlayback } = await import('../../../player/ui/hls-playback.ts');
    expect([MediaDelegation, PlayerTree, HlsPlayback].map((each) => typeof each)).toEqual([
      'function',
      'function',
      'function',
    ]);
  });
});
