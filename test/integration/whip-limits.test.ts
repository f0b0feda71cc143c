// Publishers at the edges of what a server takes: pictures that are larger than they may be, and
// media over IPv6 alone.

import { networkInterfaces } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { SendingConnection } from '../../infra/demo/sending-connection.ts';
import { pollUntil } from '../support/poll-until.ts';
import { pictureSsrc, SendingPictures } from '../support/sending-pictures.ts';
import { startWhipServer } from '../support/whip-server.ts';

const connections: SendingConnection[] = [];

function connect(): SendingConnection {
  const options = { codec: 'h264', videoSsrc: pictureSsrc, audioSsrc: null } as const;
  const connection = new SendingConnection({ ...options, onLost: () => undefined });
  connections.push(connection);
  return connection;
}

afterEach(() => {
  for (const connection of connections.splice(0)) connection.close();
});

describe('the end of a session', () => {
  it('comes when the publisher sends a larger picture than it may', async () => {
    const limits = { maxBitrateBps: 1_000_000, maxLines: 90 };
    await using strict = await startWhipServer({ limits });
    const connection = connect();
    const response = await fetch(`${strict.url}/whip/demo`, {
      method: 'POST',
      headers: { 'content-type': 'application/sdp', authorization: 'Bearer secret' },
      body: await connection.offer(),
    });
    const answer = await response.text();
    expect(answer).toContain('b=TIAS:1000000');
    await connection.connect(answer);
    const sender = new SendingPictures(connection);
    sender.start();
    const reason = await pollUntil(() => strict.broadcasts[0]?.closeReason, {
      timeoutMs: 10_000,
      description: 'the session ends',
    });
    sender.stop();
    expect(reason).toBe('over-limit');
    expect(strict.broadcasts[0]?.video).toEqual([]);
  });
});

const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((entry) => entry?.address === '::1');

describe('media over IPv6', () => {
  it.skipIf(!hasIpv6)('arrives at a server that has no other address', async () => {
    await using server6 = await startWhipServer({ bindAddress: '::1' });
    const connection = connect();
    const response = await fetch(`${server6.url}/whip/demo`, {
      method: 'POST',
      headers: { 'content-type': 'application/sdp', authorization: 'Bearer secret' },
      body: await connection.offer(),
    });
    const answer = await response.text();
    const addresses = [...answer.matchAll(/^a=candidate:(?:\S+ ){4}(\S+)/gm)].map(([, ip]) => ip);
    expect(new Set(addresses)).toEqual(new Set(['::1']));
    await connection.connect(answer);
    const sender = new SendingPictures(connection);
    sender.start();
    await pollUntil(() => (server6.broadcasts[0]?.video.length ?? 0) > 3, {
      timeoutMs: 10_000,
      description: 'frames arrive',
    });
    sender.stop();
  });
});
