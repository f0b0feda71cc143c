// Sound on the links of the pictures: over all renditions that are open, for one sound at a time.
// player/delivery/pieces/sound-links.ts, with links in memory.

import { beforeEach, describe, expect, it } from 'vitest';
import { decodeMessages } from '../../../player/delivery/pieces/piece-messages.ts';
import { type SoundHost, SoundLinks } from '../../../player/delivery/pieces/sound-links.ts';
import type { TrackListener } from '../../../player/delivery/pieces/track-links.ts';

class MemoryHost implements SoundHost {
  readonly bufferedBytes = 1_000;
  readonly sent: string[] = [];
  readonly dropped: string[] = [];

  sendSound(id: string, message: Uint8Array): boolean {
    const { main = [] } = decodeMessages(new Uint8Array(message)) ?? {};
    this.sent.push(...main.map(({ kind }) => `${kind} ${id}`));
    return true;
  }

  drop(id: string): void {
    this.dropped.push(id);
  }
}

/** Notes what it is told. */
function listener(): TrackListener & { readonly told: string[] } {
  const told: string[] = [];
  return {
    told,
    onLink: (id) => told.push(`link ${id}`),
    onLinkClosed: (id) => told.push(`closed ${id}`),
    onMessages: (id, messages) => told.push(`${messages.length} from ${id}`),
    onSwarm: (_ring, viewerCount) => told.push(`swarm of ${viewerCount}`),
  };
}

const cancel = new Uint8Array([4, 7, 0, 0, 0, 1]);

let links: SoundLinks;
let small: MemoryHost;
let large: MemoryHost;

beforeEach(() => {
  links = new SoundLinks();
  small = new MemoryHost();
  large = new MemoryHost();
  links.follow(small);
});

describe('the links of the pictures, for the sound', () => {
  it('are those that are open already, once it has them in hand, and those that come', async () => {
    links.swarmChanged(small, null, 3);
    links.linkOpened(small, 'ann');
    const sound = listener();
    const inHand = links.use(sound);
    expect(sound.told).toEqual([]);
    await Promise.resolve();
    links.linkOpened(small, 'bob');
    links.received('bob', [{ kind: 'bye' }]);
    expect(sound.told).toEqual(['swarm of 3', 'link ann', 'link bob', '1 from bob']);
    expect(inHand.send('ann', cancel)).toBe(true);
    expect(inHand.send('nobody', cancel)).toBe(false);
    expect(small.sent).toEqual(['cancel ann']);
  });

  it('stay when the rendition changes, as long as one leads to the viewer', async () => {
    const sound = listener();
    const inHand = links.use(sound);
    await Promise.resolve();
    links.linkOpened(small, 'ann');
    links.follow(large);
    links.linkOpened(large, 'ann');
    links.swarmChanged(large, null, 9);
    links.swarmChanged(small, null, 2);
    expect(inHand.bufferedBytes).toBe(2_000);
    links.hostClosed(small);
    inHand.send('ann', cancel);
    expect(large.sent).toEqual(['cancel ann']);
    links.hostClosed(large);
    // Places are those of the swarm whose pictures are played.
    expect(sound.told.filter((each) => each !== 'swarm of 9')).toEqual(['link ann', 'closed ann']);
    expect(inHand.send('ann', cancel)).toBe(false);
  });

  it('follow the swarm of a rendition that is played again', async () => {
    const sound = listener();
    links.use(sound);
    await Promise.resolve();
    links.swarmChanged(small, null, 2);
    links.follow(large);
    links.swarmChanged(large, null, 9);
    links.follow(small);
    expect(sound.told.at(-1)).toBe('swarm of 2');
  });

  it('go from one sound to the next, and neighbours are told', async () => {
    const [english, french] = [listener(), listener()];
    const before = links.use(english);
    await Promise.resolve();
    links.linkOpened(small, 'ann');
    const after = links.use(french);
    await Promise.resolve();
    expect(small.sent).toEqual(['bye ann']);
    expect([english.told, french.told]).toEqual([['link ann', 'closed ann'], ['link ann']]);
    expect([before.send('ann', cancel), after.send('ann', cancel)]).toEqual([false, true]);
    // The one before closes late, as renditions do.
    before.close();
    expect(after.send('ann', cancel)).toBe(true);
  });

  it('go back to a sound that is chosen again', async () => {
    const [english, french] = [listener(), listener()];
    const before = links.use(english);
    await Promise.resolve();
    links.linkOpened(small, 'ann');
    const after = links.use(french);
    await Promise.resolve();
    before.comeForward();
    await Promise.resolve();
    expect(english.told).toEqual(['link ann', 'closed ann', 'link ann']);
    expect([before.send('ann', cancel), after.send('ann', cancel)]).toEqual([true, false]);
  });

  it('are the pictures’ still when the sound has left a viewer, and nobody’s where it has lied', async () => {
    const sound = listener();
    const inHand = links.use(sound);
    await Promise.resolve();
    links.linkOpened(small, 'ann');
    inHand.drop('ann', 0);
    expect([sound.told.at(-1), small.dropped]).toEqual(['closed ann', []]);
    inHand.drop('ann', 600_000);
    expect(small.dropped).toEqual(['ann']);
  });
});
