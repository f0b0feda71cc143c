// A publisher behind a bad network: 5 % of the packets vanish in both directions, the round trip is
// 40 ms and packets overtake each other. What was lost is asked for again until pictures are whole.

import { createHash } from 'node:crypto';
import { RtcpNackResponder } from 'node-datachannel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SendingConnection } from '../../infra/demo/sending-connection.ts';
import { pollUntil } from '../support/poll-until.ts';
import { pictureSsrc, SendingPictures } from '../support/sending-pictures.ts';
import { UdpRelay } from '../support/udp-relay.ts';
import { startWhipServer, type WhipServer } from '../support/whip-server.ts';

const sendingSeconds = 12;
const badNetwork = { lossRatio: 0.05, delayMs: 20, reorderRatio: 0.05, reorderMs: 12 };

let server: WhipServer;

beforeAll(async () => {
  server = await startWhipServer();
});

afterAll(async () => {
  await server.app.close();
});

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('a publisher that loses 5 % of its packets', () => {
  it('loses no picture, and none is damaged', async () => {
    using relay = await UdpRelay.start();
    const connection = new SendingConnection({
      codec: 'h264',
      videoSsrc: pictureSsrc,
      audioSsrc: null,
      onLost: () => undefined,
    });
    connection.videoTrack.setMediaHandler(new RtcpNackResponder());
    const response = await fetch(`${server.url}/whip/demo`, {
      method: 'POST',
      headers: { Authorization: 'Bearer secret', 'Content-Type': 'application/sdp' },
      body: relay.rewriteOffer(await connection.offer()),
    });
    expect(response.status).toBe(201);
    await connection.connect(relay.rewriteAnswer(await response.text()));
    const pictures = new SendingPictures(connection);
    pictures.start();
    const broadcast = await pollUntil(
      () => server.broadcasts.find(({ video }) => video.length > 5),
      {
        timeoutMs: 10_000,
        description: 'pictures arrive while the network is good',
      },
    );
    const truths = new Set(broadcast.video.map(({ payload }) => digestOf(payload)));
    expect(truths.size).toBe(pictures.distinctPictures);

    relay.setFaults(badNetwork);
    const firstBad = broadcast.video.length;
    await pollUntil(() => broadcast.video.length > firstBad + sendingSeconds * 10, {
      timeoutMs: sendingSeconds * 2_000,
      description: 'pictures arrive through the bad network',
    });
    pictures.stop();
    const [session] = server.endpoint.sessionStatistics();
    const [track] = session?.tracks ?? [];
    connection.close();

    expect(relay.counters.dropped).toBeGreaterThan(20);
    expect(track?.recoveredPackets).toBeGreaterThan(10);
    expect(track?.lostPackets).toBe(0);
    expect(track?.droppedFrames).toBe(0);
    for (const { payload } of broadcast.video) expect(truths).toContain(digestOf(payload));
    const times = broadcast.video.map(({ captureTimeMs }) => captureTimeMs);
    const gapsMs = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    // Ten pictures a second: a gap of two would be a picture that is missing.
    expect(Math.max(...gapsMs)).toBeLessThan(190);
  });
});
