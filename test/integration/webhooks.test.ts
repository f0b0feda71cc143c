// What the operator's service is told and asked, over real HTTP.

import { makeRecordingId } from '@shoal/ingest/protocol';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../infra/local/free-port.ts';
import { type WebhookEvent, WebhookSender } from '../../ingest/webhooks/webhook-sender.ts';
import { publisherForTest, startIngestForTest, streamId } from '../support/ingest-for-test.ts';
import { playBroadcast } from '../support/play-broadcast.ts';
import { pollUntil } from '../support/poll-until.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

const stream = streamId('demo');
const event: WebhookEvent = {
  type: 'stream.started',
  stream,
  recording: makeRecordingId(new Date(0), 'abc123'),
  playlistUrl: 'http://127.0.0.1/live/demo/index.m3u8',
};

let receiver: WebhookReceiver;

beforeEach(async () => {
  receiver = await WebhookReceiver.start();
});

afterEach(() => receiver.close());

function makeSender(): WebhookSender {
  const target = { url: receiver.url, secret: receiver.secret };
  return new WebhookSender({ target, logger: pino({ level: 'silent' }), firstDelayMs: 10 });
}

async function untilSent(sender: WebhookSender, count: number): Promise<void> {
  await pollUntil(() => sender.statistics.deliveredCount + sender.statistics.lostCount === count, {
    timeoutMs: 10_000,
    description: `${count} webhooks are sent`,
  });
}

describe('webhooks', () => {
  it('are repeated under the same id until they are taken, and stay in order', async () => {
    const sender = makeSender();
    receiver.nextStatuses.push(503, 429);
    sender.send(event);
    sender.send({ ...event, type: 'stream.ended' });
    await untilSent(sender, 2);
    const { received } = receiver;
    expect(received.map(({ content }) => content.type)).toEqual([
      ...['stream.started', 'stream.started', 'stream.started', 'stream.ended'],
    ]);
    expect(new Set(received.map(({ id }) => id)).size).toBe(2);
    expect(received.every(({ isSigned }) => isSigned)).toBe(true);
    expect(sender.statistics).toEqual({ deliveredCount: 2, lostCount: 0 });
    await sender.close();
  });

  it('are lost, and counted, when they are refused', async () => {
    const sender = makeSender();
    receiver.nextStatuses.push(410, 302);
    for (let count = 0; count < 3; count += 1) sender.send(event);
    await untilSent(sender, 3);
    expect(receiver.received).toHaveLength(3);
    expect(sender.statistics).toEqual({ deliveredCount: 1, lostCount: 2 });
    await sender.close();
  });

  it('do not keep a service from stopping', async () => {
    await receiver.close();
    const sender = makeSender();
    sender.send(event);
    await sender.close();
    expect(sender.statistics).toEqual({ deliveredCount: 0, lostCount: 1 });
    receiver = await WebhookReceiver.start();
  });

  it('tell the life of a broadcast', async () => {
    const webhook = { url: receiver.url, secret: receiver.secret };
    const house = await startIngestForTest({ webhook });
    try {
      const media = { widthPx: 160, heightPx: 90, durationSeconds: 4 };
      const first = house.ingest.openBroadcast(stream, publisherForTest());
      await playBroadcast(first, media);
      await first.close('connection-lost');
      const second = house.ingest.openBroadcast(stream, publisherForTest());
      await playBroadcast(second, media);
      await second.close('deleted');
      await pollUntil(() => receiver.received.length === 5, {
        timeoutMs: 5_000,
        description: 'five webhooks came',
      });
      expect(receiver.received.map(({ content }) => content.type)).toEqual([
        ...['stream.started', 'stream.reconnecting', 'stream.resumed', 'stream.ended'],
        'recording.ready',
      ]);
      const contents = receiver.received.map(({ content }) => content);
      expect(new Set(contents.map(({ recording }) => recording)).size).toBe(1);
      expect((await fetch(String(contents.at(-1)?.playlistUrl))).status).toBe(200);
    } finally {
      await house.close();
    }
  });
});

describe('admission', () => {
  const publish = async (url: string, key = 'key-of-the-test') => {
    const headers = { 'content-type': 'application/sdp', authorization: `Bearer ${key}` };
    const response = await fetch(`${url}/whip/demo`, { method: 'POST', headers, body: 'v=0' });
    const problem: { type?: string } = await response.json();
    return problem.type?.replace('urn:shoal:ingest:', '');
  };

  it('admits, refuses, and is asked only about those with the right key', async () => {
    const house = await startIngestForTest({
      admission: { url: receiver.url, secret: receiver.secret },
    });
    try {
      expect(await publish(house.ingest.url, 'wrong')).toBe('stream-key-wrong');
      expect(receiver.received).toEqual([]);
      // Admitted: the next thing that is wrong is the offer.
      expect(await publish(house.ingest.url)).toBe('offer-invalid');
      const [question] = receiver.received;
      expect(question).toMatchObject({
        isSigned: true,
        content: { type: 'publish.requested', stream: 'demo', address: '127.0.0.1' },
      });
      receiver.nextStatuses.push(403, 500);
      expect(await publish(house.ingest.url)).toBe('publisher-refused');
      expect(await publish(house.ingest.url)).toBe('admission-unavailable');
    } finally {
      await house.close();
    }
  });

  it('that nobody answers admits nobody', async () => {
    const admission = { url: `http://127.0.0.1:${await freePort()}/`, secret: receiver.secret };
    const house = await startIngestForTest({ admission });
    try {
      expect(await publish(house.ingest.url)).toBe('admission-unavailable');
    } finally {
      await house.close();
    }
  });
});
