// Hostile and broken publishers: hundreds of mutated offers, fragments and packets. None crashes
// the server, none gets an answer that is no answer, and no session or socket stays behind.

import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SendingConnection } from '../../infra/demo/sending-connection.ts';
import { pollUntil } from '../support/poll-until.ts';
import { pictureSsrc, SendingPictures } from '../support/sending-pictures.ts';
import { startWhipServer, type WhipServer } from '../support/whip-server.ts';

const mutants = 500;
const trickleType = 'application/trickle-ice-sdpfrag';
const chromiumOffer = readFileSync(
  new URL('../fixtures/chromium-offer.sdp', import.meta.url),
  'latin1',
);

let server: WhipServer;

beforeAll(async () => {
  server = await startWhipServer();
});

afterAll(async () => {
  await server.app.close();
});

/** A repeatable sequence of whole numbers below `limit`. */
function startDice(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return Math.floor((state / 0x8000_0000) * limit);
  };
}

/** Flips bits, cuts, doubles and swaps: one to four wounds. */
function mutate(original: Buffer, dice: (limit: number) => number): Buffer {
  let bytes = Buffer.from(original);
  for (let wounds = 1 + dice(4); wounds > 0 && bytes.length > 2; wounds -= 1) {
    const at = dice(bytes.length);
    const kind = dice(5);
    if (kind <= 1) bytes[at] = (bytes[at] ?? 0) ^ (1 << dice(8));
    else if (kind === 2) bytes = bytes.subarray(0, at);
    else if (kind === 3) bytes = Buffer.concat([bytes, bytes.subarray(at)]);
    else bytes = Buffer.concat([bytes.subarray(at), bytes.subarray(0, at)]);
  }
  return bytes;
}

/** The same with whole lines, which leaves more that can be read. */
function mutateLines(original: string, dice: (limit: number) => number): Buffer {
  const lines = original.split('\r\n');
  for (let wounds = 1 + dice(4); wounds > 0; wounds -= 1) {
    const at = dice(lines.length);
    const kind = dice(3);
    if (kind === 0) lines.splice(at, 1);
    else if (kind === 1) lines.splice(dice(lines.length), 0, lines[at] ?? '');
    else lines[at] = mutate(Buffer.from(lines[at] ?? '', 'latin1'), dice).toString('latin1');
  }
  return Buffer.from(lines.join('\r\n'), 'latin1');
}

function openFiles(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Each request from another address: the limits per address are not what is tested. */
function addressOf(index: number): string {
  return `10.0.${index >> 8}.${index & 0xff}`;
}

const rtpHeaderBytes = 12;

/**
 * Sends a picture with wounds behind the RTP headers: SRTP binds itself to the numbers in those,
 * and would refuse to send whole packets afterwards. Unit tests mangle the headers.
 */
function sendDamaged(pictures: SendingPictures, dice: (limit: number) => number): number {
  const packets = pictures.nextPackets().map((packet) => Buffer.from(packet));
  for (const packet of packets) {
    const header = packet.subarray(0, rtpHeaderBytes);
    const damaged = mutate(packet.subarray(rtpHeaderBytes), dice).subarray(0, 1_200);
    pictures.send(Buffer.concat([header, damaged]));
  }
  return packets.length;
}

describe('the WHIP server', () => {
  it(`survives ${mutants} mutated offers without leaving a session or a socket`, async () => {
    const dice = startDice(1);
    const statuses = new Map<number, number>();
    const openBefore = openFiles();
    for (let index = 0; index < mutants; index += 1) {
      const payload =
        dice(2) === 0
          ? mutate(Buffer.from(chromiumOffer, 'latin1'), dice)
          : mutateLines(chromiumOffer, dice);
      const response = await server.app.inject({
        method: 'POST',
        url: '/whip/demo',
        remoteAddress: addressOf(index),
        headers: { authorization: 'Bearer secret', 'content-type': 'application/sdp' },
        payload,
      });
      statuses.set(response.statusCode, (statuses.get(response.statusCode) ?? 0) + 1);
      if (response.statusCode !== 201) continue;
      const url = String(response.headers.location);
      const ended = await server.app.inject({
        method: 'DELETE',
        url,
        remoteAddress: addressOf(index),
      });
      expect(ended.statusCode).toBe(200);
    }
    expect([...statuses.keys()].filter((status) => ![201, 400, 413, 422].includes(status))).toEqual(
      [],
    );
    // Mutations that leave the offer usable and such that do not: both were tried.
    expect(statuses.get(201)).toBeGreaterThan(20);
    expect((statuses.get(400) ?? 0) + (statuses.get(422) ?? 0)).toBeGreaterThan(20);
    expect(server.endpoint.sessionStatistics()).toEqual([]);
    await pollUntil(() => openFiles() <= openBefore + 8, {
      timeoutMs: 20_000,
      description: 'the sockets of all sessions are closed',
    });
  }, 120_000);

  it(`keeps a live session through ${mutants} mutated fragments and ${mutants} mutated packets`, async () => {
    const connection = new SendingConnection({
      codec: 'h264',
      videoSsrc: pictureSsrc,
      audioSsrc: null,
      onLost: () => undefined,
    });
    const offer = await connection.offer();
    const response = await fetch(`${server.url}/whip/demo`, {
      method: 'POST',
      headers: { Authorization: 'Bearer secret', 'Content-Type': 'application/sdp' },
      body: offer,
    });
    expect(response.status).toBe(201);
    const location = response.headers.get('Location') ?? '';
    await connection.connect(await response.text());
    const pictures = new SendingPictures(connection);
    const broadcast = await pollUntil(
      () => {
        for (const packet of pictures.nextPackets()) pictures.send(packet);
        return server.broadcasts.find(({ video }) => video.length > 0);
      },
      { timeoutMs: 10_000, intervalMs: 100, description: 'a frame arrives' },
    );

    const dice = startDice(2);
    const credentials =
      offer
        .match(/a=ice-(?:ufrag|pwd):.*\r\n/g)
        ?.slice(0, 2)
        .join('') ?? '';
    const fragment =
      `${credentials}m=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n` +
      'a=candidate:1 1 UDP 2122317823 127.0.0.1 9 typ host\r\na=end-of-candidates\r\n';
    const statuses = new Set<number>();
    let sent = 0;
    for (let index = 0; index < mutants; index += 1) {
      const payload =
        dice(2) === 0 ? mutate(Buffer.from(fragment, 'latin1'), dice) : mutateLines(fragment, dice);
      const patched = await server.app.inject({
        method: 'PATCH',
        url: location,
        remoteAddress: addressOf(index),
        headers: { 'content-type': trickleType, 'if-match': '*' },
        payload,
      });
      statuses.add(patched.statusCode);
      sent += sendDamaged(pictures, dice);
    }
    expect([...statuses].filter((status) => ![204, 400, 413, 422].includes(status))).toEqual([]);
    expect(sent).toBeGreaterThanOrEqual(mutants);
    expect(statuses).toContain(204);
    expect(statuses).toContain(400);

    // The same session takes whole pictures as before.
    const framesBefore = broadcast.video.length;
    await pollUntil(
      () => {
        for (const packet of pictures.nextPackets()) pictures.send(packet);
        return broadcast.video.length > framesBefore + 5;
      },
      { timeoutMs: 15_000, intervalMs: 100, description: 'whole pictures arrive again' },
    );
    expect(server.endpoint.sessionStatistics()).toMatchObject([{ state: 'live' }]);
    expect((await fetch(server.url + location, { method: 'DELETE' })).status).toBe(200);
    expect(broadcast.closeReason).toBe('deleted');
    connection.close();
  }, 60_000);
});
