// The tracker's WebSocket with real sockets: viewers meet, leave, misbehave and are held to limits.

import { type EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import { Tracker, type TrackerOptions } from '@shoal/tracker';
import Client from 'bittorrent-tracker/client';
import { afterEach, describe, expect, it } from 'vitest';
// Mends WebRTC in Node: without it every meeting takes ten seconds, and some fail.
import '../../infra/demo/node-webrtc.ts';
import { signViewerToken } from '../../tracker/admission/viewer-token.ts';
import { AnnouncingViewer } from '../support/announcing-viewer.ts';
import { pollUntil } from '../support/poll-until.ts';

const swarm = 'swarm'.padEnd(20, 'x');
const offers = [1, 2, 3].map((index) => ({
  offer: { type: 'offer', sdp: `offer ${index}` },
  offer_id: `offer-${index}`.padEnd(20, '.'),
}));

const trackers: Tracker[] = [];
const viewers: AnnouncingViewer[] = [];

async function startTracker(options: Partial<TrackerOptions> = {}): Promise<Tracker> {
  const tracker = await Tracker.start({ port: 0, ...options });
  trackers.push(tracker);
  return tracker;
}

async function join(tracker: Tracker, peerId: string, path = '/'): Promise<AnnouncingViewer> {
  const viewer = await AnnouncingViewer.connect(`${tracker.webSocketUrl}${path}`, peerId);
  viewers.push(viewer);
  return viewer;
}

/** Joins the swarm and waits for the tracker's answer. */
async function joinSwarm(tracker: Tracker, peerId: string): Promise<AnnouncingViewer> {
  const viewer = await join(tracker, peerId);
  viewer.announce(swarm, { event: 'started' });
  await viewer.receive(({ interval }) => interval !== undefined, 'an answer to the announce');
  return viewer;
}

async function metric(tracker: Tracker, name: string): Promise<number> {
  const text = await (await fetch(`${tracker.url}/metrics`)).text();
  return Number(new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
}

afterEach(async () => {
  for (const viewer of viewers.splice(0)) viewer.socket.terminate();
  for (const tracker of trackers.splice(0)) await tracker.close('the test is over');
});

describe('signalling', () => {
  it('lets two viewers exchange offer and answer, on any path of the API’s own port', async () => {
    const tracker = await startTracker();
    const first = await join(tracker, 'first', '/announce');
    const second = await join(tracker, 'second', '/any/other?path');
    first.announce(swarm, { event: 'started' });
    const joined = await first.receive(({ action }) => action === 'announce', 'an answer');
    expect(joined).toMatchObject({ complete: 0, incomplete: 1, info_hash: swarm });
    // Nobody to meet yet: whoever comes will make an offer.
    expect(joined.interval).toBeGreaterThanOrEqual(17);
    expect(joined.interval).toBeLessThanOrEqual(23);

    second.announce(swarm, { event: 'started', offers });
    const offer = await first.receive((message) => message.offer !== undefined, 'an offer');
    expect(offer.peer_id).toBe(second.peerId);
    first.announce(swarm, {
      to_peer_id: second.peerId,
      offer_id: offer.offer_id,
      answer: { type: 'answer', sdp: 'answer' },
    });
    const answer = await second.receive((message) => message.answer !== undefined, 'an answer');
    expect(answer).toMatchObject({ peer_id: first.peerId, offer_id: offer.offer_id });
    expect((await fetch(`${tracker.url}/healthz`)).status).toBe(200);
  });

  it('lets unchanged bittorrent-tracker clients meet with real WebRTC', async () => {
    const tracker = await startTracker();
    const options = { infoHash: new Uint8Array(20).fill(7), port: 6881 };
    // Different paths, or the clients of one process would share one socket.
    const clients = [1, 2].map(
      (index) =>
        new Client({
          ...options,
          peerId: new Uint8Array(20).fill(index),
          announce: [`${tracker.webSocketUrl}/${index}`],
        }),
    );
    const met = clients.map((client) => {
      client.on('warning', () => {});
      client.on('error', () => {});
      // A first attempt may fail in the WebRTC library; clients try again with each announce.
      return new Promise<void>((resolve) => {
        client.on('peer', (peer: EventEmitter) => {
          peer.on('error', () => {});
          peer.once('connect', resolve);
        });
      });
    });
    for (const client of clients) {
      client.start();
      await once(client, 'update');
    }
    await Promise.all(met);
    await Promise.all(clients.map((client) => new Promise<void>((done) => client.destroy(done))));
  });

  it('forgets a viewer at once, whichever of its swarms and peer ids it leaves behind', async () => {
    const tracker = await startTracker();
    const leaver = await joinSwarm(tracker, 'leaver');
    // A player is in one swarm per rendition, each with a peer id of its own, on one socket.
    const elsewhere = 'elsewhere'.padEnd(20, 'x');
    leaver.send({
      action: 'announce',
      info_hash: elsewhere,
      peer_id: 'another-id'.padEnd(20, '-'),
    });
    await leaver.receive(({ info_hash: hash }) => hash === elsewhere, 'the second swarm');
    const stayer = await joinSwarm(tracker, 'stayer');
    expect(await metric(tracker, 'shoal_tracker_swarms')).toBe(2);
    leaver.socket.terminate();
    await pollUntil(async () => (await metric(tracker, 'shoal_tracker_swarms')) === 1, {
      timeoutMs: 5_000,
      description: 'the swarm of the dead viewer is gone',
    });
    stayer.messages.length = 0;
    stayer.announce(swarm, { offers });
    const { incomplete } = await stayer.receive(({ action }) => action === 'announce', 'an answer');
    expect(incomplete).toBe(1);
  });

  it('gives a returning viewer its place back and nobody else’s', async () => {
    const tracker = await startTracker({ trustProxy: true });
    await joinSwarm(tracker, 'same-id');
    const again = await joinSwarm(tracker, 'same-id');
    const asker = await joinSwarm(tracker, 'asker');
    asker.announce(swarm, { offers });
    await again.receive((message) => message.offer !== undefined, 'the offer on the new socket');

    const { default: WebSocket } = await import('ws');
    const thief = new WebSocket(`${tracker.webSocketUrl}/`, {
      headers: { 'x-forwarded-for': '203.0.113.9' },
    });
    await once(thief, 'open');
    const reply = once(thief, 'message');
    thief.send(JSON.stringify({ action: 'announce', info_hash: swarm, peer_id: again.peerId }));
    expect(JSON.parse(String((await reply)[0]))).toMatchObject({
      'failure reason': 'this peer_id is in use',
    });
    thief.terminate();
  });

  it('ends sockets that do not answer its pings', async () => {
    const tracker = await startTracker({ heartbeatIntervalMs: 200 });
    const viewer = await joinSwarm(tracker, 'awake');
    // A client that never reads: the handshake by hand, then silence.
    const sleeper = connect(tracker.port, '127.0.0.1');
    sleeper.write(
      'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    sleeper.on('error', () => {});
    sleeper.resume();
    await once(sleeper, 'close');
    expect(viewer.closeCode).toBeNull();
    expect(await metric(tracker, 'shoal_tracker_sockets')).toBe(1);
  });

  it('answers malformed messages and lives on', async () => {
    const tracker = await startTracker();
    const victim = await joinSwarm(tracker, 'victim');
    const attacker = await join(tracker, 'attacker');
    const malformed = [
      'null',
      '{"action":',
      { action: 'announce', info_hash: swarm, peer_id: attacker.peerId, offers: [null] },
      { action: 'scrape', info_hash: 5 },
      { action: 'scrape' },
      { action: 'announce', info_hash: swarm, peer_id: attacker.peerId, event: '__proto__' },
    ];
    for (const message of malformed) attacker.send(message);
    await pollUntil(() => attacker.messages.length === malformed.length, {
      timeoutMs: 5_000,
      description: 'a refusal of every message',
    });
    expect(attacker.messages.every((message) => message['failure reason'])).toBe(true);
    const name = 'shoal_tracker_messages_total{result="malformed"}';
    expect(await metric(tracker, name)).toBe(malformed.length);
    victim.send({ action: 'scrape', info_hash: swarm });
    const { files } = await victim.receive(({ action }) => action === 'scrape', 'a scrape');
    expect(files?.[swarm]?.incomplete).toBe(1);
  });

  it('closes a socket that sends more than 64 KiB in one message', async () => {
    const tracker = await startTracker();
    const viewer = await join(tracker, 'talker');
    viewer.send('x'.repeat(64 * 1024 + 1));
    expect(await pollUntil(() => viewer.closeCode, closing)).toBe(1009);
  });

  it('refuses sockets above the limit per address and takes them again later', async () => {
    const tracker = await startTracker({ maxSocketsPerAddress: 2 });
    const one = await join(tracker, 'one');
    await join(tracker, 'two');
    await expect(join(tracker, 'three')).rejects.toThrow('HTTP 429');
    const refused = 'shoal_tracker_refused_sockets_total{reason="address"}';
    expect(await metric(tracker, refused)).toBe(1);
    one.socket.terminate();
    await pollUntil(() => join(tracker, 'three'), {
      timeoutMs: 5_000,
      description: 'room after one has left',
    });
  });

  it('lets only viewers with a valid token join where a secret is set', async () => {
    const secret = 'a secret of at least 32 characters';
    const tracker = await startTracker({ viewerTokenSecret: secret });
    const token = await signViewerToken(secret, { stream: null, lifetimeSeconds: 60 });
    await expect(join(tracker, 'none')).rejects.toThrow('HTTP 401');
    await expect(join(tracker, 'forged', `/?token=${token}x`)).rejects.toThrow('HTTP 401');
    await expect(join(tracker, 'valid', `/?token=${token}`)).resolves.toBeDefined();
  });

  it('holds tokens to their stream, their address and their number of sockets', async () => {
    const secret = 'a secret of at least 32 characters';
    const tracker = await startTracker({ viewerTokenSecret: secret });
    const sign = (claims: object): Promise<string> =>
      signViewerToken(secret, { stream: 'demo', lifetimeSeconds: 60, ...claims });
    const once = await sign({ maxSockets: 1 });
    const first = await join(tracker, 'first', `/?token=${once}`);
    await expect(join(tracker, 'replay', `/?token=${once}`)).rejects.toThrow('HTTP 401');
    const stolen = await sign({ address: '192.0.2.7' });
    await expect(join(tracker, 'stolen', `/?token=${stolen}`)).rejects.toThrow('HTTP 401');
    const refused = (reason: string) =>
      metric(tracker, `shoal_tracker_refused_sockets_total{reason="${reason}"}`);
    expect([await refused('replay'), await refused('token')]).toEqual([1, 1]);

    // The same swarm name, but a token for another stream: they do not meet.
    const spy = await join(tracker, 'spy', `/?token=${await sign({ stream: 'other' })}`);
    first.announce(swarm, { event: 'started' });
    await first.receive(({ interval }) => interval !== undefined, 'an answer');
    spy.announce(swarm, { event: 'started', offers });
    const answer = await spy.receive(({ interval }) => interval !== undefined, 'an answer');
    expect(answer.incomplete).toBe(1);
    const friend = await join(tracker, 'friend', `/?token=${await sign({})}`);
    friend.announce(swarm, { event: 'started', offers });
    const offer = await first.receive((message) => message.offer !== undefined, 'an offer');
    expect(offer.peer_id).toBe(friend.peerId);
  });

  it('calls viewers back soon while there is somebody they have not met', async () => {
    const tracker = await startTracker();
    await joinSwarm(tracker, 'first');
    const second = await join(tracker, 'second');
    second.announce(swarm, { event: 'started' });
    const early = await second.receive(({ interval }) => interval !== undefined, 'an answer');
    expect(early.interval).toBeLessThanOrEqual(8);
    second.messages.length = 0;
    second.announce(swarm, { offers });
    const later = await second.receive(({ interval }) => interval !== undefined, 'an answer');
    expect(later.interval).toBeGreaterThanOrEqual(17);
  });

  it('drops what a viewer sends above its rate, ends it if it goes on, and serves the others', async () => {
    const tracker = await startTracker({ messageRate: { perSecond: 1, burst: 10 } });
    const flooder = await join(tracker, 'flooder');
    const victim = await joinSwarm(tracker, 'victim');
    for (let count = 0; count < 1_100; count += 1) flooder.announce(swarm);
    expect(await pollUntil(() => flooder.closeCode, closing)).toBe(1008);
    const limited = await metric(tracker, 'shoal_tracker_messages_total{result="limited"}');
    expect(limited).toBeGreaterThanOrEqual(1_000);
    expect(
      await metric(tracker, 'shoal_tracker_cut_sockets_total{reason="flooding"}'),
    ).toBeGreaterThanOrEqual(1);
    victim.send({ action: 'scrape', info_hash: swarm });
    await victim.receive(({ action }) => action === 'scrape', 'a scrape');
  });

  it('holds all sockets of one address to one rate of announces', async () => {
    const tracker = await startTracker({ announcesPerAddress: { perSecond: 0.001, burst: 3 } });
    const viewers = await Promise.all(['a', 'b', 'c', 'd'].map((id) => join(tracker, id)));
    for (const viewer of viewers) viewer.announce(swarm);
    const limited = 'shoal_tracker_messages_total{result="limited"}';
    await pollUntil(async () => (await metric(tracker, limited)) === 1, {
      timeoutMs: 5_000,
      description: 'one announce too many',
    });
    expect(viewers.filter(({ messages }) => messages.length > 0)).toHaveLength(3);
  });

  it('refuses 1,000 sockets and large messages of one address, counts them and serves the others', async () => {
    const tracker = await startTracker({ maxSocketsPerAddress: 50, trustProxy: true });
    const attempts = await Promise.allSettled(
      Array.from({ length: 1_000 }, (_, index) => join(tracker, `attacker-${index}`)),
    );
    expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(50);
    const refused = 'shoal_tracker_refused_sockets_total{reason="address"}';
    expect(await metric(tracker, refused)).toBe(950);
    const [attacker] = viewers;
    attacker?.send('x'.repeat(10 * 1024 * 1024));
    expect(await pollUntil(() => attacker?.closeCode, closing)).toBe(1009);

    const { default: WebSocket } = await import('ws');
    const other = new WebSocket(`${tracker.webSocketUrl}/`, {
      headers: { 'x-forwarded-for': '203.0.113.9' },
    });
    await once(other, 'open');
    other.terminate();
  });

  it('sends thousands of viewers away over a while, not at once, and takes no new ones', async () => {
    const tracker = await startTracker({ drainMs: 400 });
    const all = await Promise.all(
      Array.from({ length: 200 }, (_, index) => join(tracker, `viewer-${index}`)),
    );
    const closed = tracker.close('the test drains it');
    await pollUntil(() => all.some(({ closeCode }) => closeCode !== null), closing);
    expect(all.filter(({ closeCode }) => closeCode === null).length).toBeGreaterThan(50);
    await expect(join(tracker, 'late')).rejects.toThrow('HTTP 503');
    await closed;
    await pollUntil(() => all.every(({ closeCode }) => closeCode === 1001), closing);
  });

  it('says goodbye to viewers when it stops, and stops once', async () => {
    const tracker = await startTracker();
    const viewer = await joinSwarm(tracker, 'viewer');
    await Promise.all([tracker.close('first'), tracker.close('second')]);
    expect(await pollUntil(() => viewer.closeCode, closing)).toBe(1001);
    await expect(fetch(tracker.url)).rejects.toThrow();
  });
});

const closing = { timeoutMs: 5_000, description: 'the end of the socket' };
