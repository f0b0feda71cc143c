// Names and socket addresses of swarms: one path for all viewers of a swarm, at a root URL and in a
// folder, keyed where the token has a key. player/delivery/swarm-address.ts, tracker/protocol.

import { swarmOfPath } from '@shoal/tracker/protocol';
import { describe, expect, it } from 'vitest';
import { swarmAddressOf } from '../../../player/delivery/swarm-address.ts';
import { signViewerToken } from '../../../tracker/admission/viewer-token.ts';

const swarm = { name: 'shoal-1 origin.test/live/demo/index.m3u8 /a', stream: 'demo' };

function addressAt(trackerUrl: string, viewerId = 'one') {
  return swarmAddressOf(trackerUrl, { ...swarm, viewerId });
}

describe('the address of a swarm', () => {
  it.each([
    ['ws://tracker.test', ''],
    ['ws://tracker.test/', ''],
    ['wss://tracker.test/live', '/live'],
    ['wss://tracker.test/live/', '/live'],
  ])('below %s ends with its info hash, the same for all viewers', (trackerUrl, folder) => {
    const one = new URL(addressAt(trackerUrl).socketUrl);
    const other = new URL(addressAt(trackerUrl, 'other').socketUrl);
    const infoHash = swarmOfPath(one.pathname);
    expect(one.pathname).toBe(`${folder}/swarm/${infoHash}`);
    expect(infoHash).toBe(Buffer.from(addressAt(trackerUrl).infoHash).toString('hex'));
    expect(other.pathname).toBe(one.pathname);
    expect(other.href).not.toBe(one.href);
  });

  it('keeps the query, and the path of trackers that are known by /announce', () => {
    const url = new URL(addressAt('ws://tracker.test/announce?token=abc').socketUrl);
    expect([url.pathname, url.searchParams.get('token'), url.searchParams.get('stream')]).toEqual([
      '/announce',
      'abc',
      'demo',
    ]);
  });

  it('can only be computed with the key of the stream that tokens carry', async () => {
    const sign = (secret: string, stream: string): Promise<string> =>
      signViewerToken(secret, { stream, lifetimeSeconds: 60 });
    const hashWith = (token: string): string =>
      Buffer.from(addressAt(`ws://tracker.test/?token=${token}`).infoHash).toString('hex');
    const secret = 'a secret of at least 32 characters';
    const [first, second] = [await sign(secret, 'demo'), await sign(secret, 'demo')];
    const hash = hashWith(first);
    expect(hashWith(second)).toBe(hash);
    const others = [
      'no-token',
      await sign(secret, 'other'),
      await sign('another secret of 32 characters!!', 'demo'),
    ];
    for (const token of others) expect(hashWith(token)).not.toBe(hash);
  });
});
