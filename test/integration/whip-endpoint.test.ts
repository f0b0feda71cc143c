// The WHIP endpoint on a real server with a real Chromium: frames of both codecs arrive, the
// rules of RFC 9725 hold, and nothing stays behind when a publisher leaves.

import Fastify, { type FastifyInstance } from 'fastify';
import { pino } from 'pino';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { replyWithProblem } from '../../ingest/errors.ts';
import { parseStreamId, type StreamId } from '../../ingest/protocol/index.ts';
import type {
  EncodedAudioFrame,
  EncodedFrame,
  EncodedVideoFrame,
} from '../../ingest/rtp/encoded-frame.ts';
import type { PublisherControl, SessionCloseReason } from '../../ingest/whip/broadcast-sink.ts';
import { authorizeByKeys } from '../../ingest/whip/stream-keys.ts';
import { registerWhipEndpoint, type WhipEndpoint } from '../../ingest/whip/whip-endpoint.ts';
import {
  launchChromium,
  type PublishOptions,
  publishFrom,
  senderStatistics,
} from '../support/chromium-publisher.ts';
import { pollUntil } from '../support/poll-until.ts';

/** A broadcast that only remembers. */
interface RecordedBroadcast {
  readonly publisher: PublisherControl;
  readonly video: EncodedVideoFrame[];
  readonly audio: EncodedAudioFrame[];
  closeReason: SessionCloseReason | null;
}

const stream = parseStreamId('demo');
if (stream === null) throw new Error('the stream id is valid');
const keys = new Map<StreamId, string>([[stream, 'secret']]);
const keyframeIntervalMs = 1_000;

let app: FastifyInstance;
let endpoint: WhipEndpoint;
let url: string;
let broadcasts: RecordedBroadcast[];
let browser: Browser;
let page: Page;

beforeAll(async () => {
  browser = await launchChromium();
});

afterAll(async () => {
  await browser.close();
});

beforeEach(async () => {
  broadcasts = [];
  app = Fastify();
  app.setErrorHandler((error, _request, reply) => replyWithProblem(error, reply));
  app.get('/', async (_request, reply) => reply.type('text/html').send('<!doctype html>'));
  endpoint = registerWhipEndpoint(app, {
    authorize: authorizeByKeys(keys),
    keyframeIntervalMs,
    bindAddress: '127.0.0.1',
    logger: pino({ level: 'silent' }),
    openBroadcast: (_stream, publisher) => {
      const broadcast: RecordedBroadcast = { publisher, video: [], audio: [], closeReason: null };
      broadcasts.push(broadcast);
      return {
        writeFrame: (frame: EncodedFrame) => {
          if (frame.kind === 'video') broadcast.video.push(frame);
          else broadcast.audio.push(frame);
        },
        close: async (reason) => {
          broadcast.closeReason ??= reason;
        },
      };
    },
  });
  url = await app.listen({ host: '127.0.0.1', port: 0 });
  page = await browser.newPage();
  await page.goto(url);
});

afterEach(async () => {
  await page.close();
  await app.close();
});

const camera: PublishOptions = {
  endpoint: '/whip/demo',
  key: 'secret',
  codec: 'vp8',
  widthPx: 640,
  heightPx: 360,
};

async function firstBroadcast(): Promise<RecordedBroadcast> {
  return await pollUntil(() => broadcasts[0], {
    timeoutMs: 10_000,
    description: 'the broadcast opens',
  });
}

function gapsMs(frames: readonly EncodedFrame[]): number[] {
  return frames.slice(1).map((frame, index) => {
    return frame.captureTimeMs - (frames[index]?.captureTimeMs ?? 0);
  });
}

async function post(
  path: string,
  headers: Record<string, string>,
  body: string,
): Promise<Response> {
  return await fetch(url + path, { method: 'POST', headers, body });
}

/** An offer of Chromium that nobody follows up. */
async function offerOf(from: Page): Promise<string> {
  return await from.evaluate(async () => {
    const connection = new RTCPeerConnection();
    connection.addTransceiver('video', { direction: 'sendonly' });
    await connection.setLocalDescription();
    const sdp = connection.localDescription?.sdp ?? '';
    connection.close();
    return sdp;
  });
}

const authorized = { Authorization: 'Bearer secret', 'Content-Type': 'application/sdp' };

describe.each(['h264', 'vp8'] as const)('publishing %s from Chromium', (codec) => {
  it('gives frames of picture and sound on one timeline', async () => {
    const startedAtMs = Date.now();
    const result = await publishFrom(page, { ...camera, codec });
    expect(result.status).toBe(201);
    expect(result.location).toMatch(/^\/whip\/demo\/sessions\/[0-9a-f]{32}$/);
    expect(result.etag).toMatch(/^"[^"]+"$/);
    const { publisher, video, audio } = await firstBroadcast();
    expect(publisher.media).toEqual({ hasVideo: true, hasAudio: true });
    await pollUntil(
      () =>
        audio.length >= 200 &&
        video.length >= 50 &&
        video.filter(({ isKeyframe }) => isKeyframe).length >= 4,
      { timeoutMs: 30_000, description: 'some seconds of picture and sound' },
    );

    expect(video[0]?.isKeyframe).toBe(true);
    expect(new Set(video.map((frame) => frame.codec))).toEqual(new Set([codec]));
    for (const { isKeyframe, configuration } of video) {
      expect(configuration !== null).toBe(isKeyframe);
    }
    // Chromium begins smaller than asked while it estimates the bandwidth; the shape stays.
    for (const { configuration } of video.filter(({ isKeyframe }) => isKeyframe)) {
      const { widthPx = 0, heightPx = 1, decoderConfiguration = null } = configuration ?? {};
      expect(widthPx).toBeGreaterThanOrEqual(160);
      expect(widthPx).toBeLessThanOrEqual(640);
      expect(Math.abs(widthPx / heightPx - 16 / 9)).toBeLessThan(0.05);
      expect(decoderConfiguration?.[0] ?? null).toBe(codec === 'h264' ? 1 : null);
    }
    expect(Math.min(...gapsMs(video))).toBeGreaterThan(0);
    expect(Math.min(...gapsMs(audio))).toBeGreaterThan(18);
    const sortedGaps = gapsMs(audio).sort((left, right) => left - right);
    expect(sortedGaps[Math.floor(sortedGaps.length / 2)]).toBeCloseTo(20, 0);
    for (const frame of [...video, ...audio]) {
      expect(frame.captureTimeMs).toBeGreaterThan(startedAtMs - 1_000);
      expect(frame.captureTimeMs).toBeLessThan(Date.now() + 1_000);
    }

    const seen = await pollUntil(
      async () => {
        const statistics = await senderStatistics(page);
        return statistics !== null && statistics.pliCount >= 2 ? statistics : null;
      },
      { timeoutMs: 10_000, description: 'Chromium gets a keyframe request per interval' },
    );
    expect(seen.connectionState).toBe('connected');
    const [session] = endpoint.sessionStatistics();
    expect(session).toMatchObject({ state: 'live', stream: 'demo', unknownPackets: 0 });
    expect(session?.keyframesRequested).toBeGreaterThanOrEqual(2);
  });

  it('grows the picture to the size asked for, since feedback lets the bit rate grow', async () => {
    await publishFrom(page, { ...camera, codec });
    const { video } = await firstBroadcast();
    const full = await pollUntil(
      () => video.find(({ configuration }) => configuration?.widthPx === 640),
      { timeoutMs: 45_000, description: 'a keyframe of 640 by 360' },
    );
    expect(full.configuration?.heightPx).toBe(360);
    // Without transport-wide feedback Chromium never leaves its first guess of 300 kbit/s upwards
    // by more than a step; how far it goes with it depends on how busy the machine is.
    await pollUntil(
      async () => ((await senderStatistics(page))?.availableBitrateBps ?? 0) > 400_000,
      { timeoutMs: 20_000, description: 'Chromium may send more than 400 kbit/s' },
    );
  });
});

describe('the WHIP endpoint', () => {
  it('lets one publisher at a time have a stream, and ends on DELETE', async () => {
    const { location } = await publishFrom(page, camera);
    const broadcast = await firstBroadcast();
    const second = await browser.newPage();
    await second.goto(url);
    expect((await publishFrom(second, camera)).status).toBe(409);

    const wrongKey = { method: 'DELETE', headers: { Authorization: 'Bearer wrong' } };
    expect((await fetch(url + location, wrongKey)).status).toBe(403);
    expect((await fetch(url + location)).status).toBe(204);
    expect((await fetch(url + location, { method: 'DELETE' })).status).toBe(200);
    await pollUntil(() => broadcast.closeReason, {
      timeoutMs: 5_000,
      description: 'the broadcast closes',
    });
    expect(broadcast.closeReason).toBe('deleted');
    expect(endpoint.sessionStatistics()).toEqual([]);
    expect((await fetch(url + location, { method: 'DELETE' })).status).toBe(404);
    await pollUntil(async () => (await senderStatistics(page))?.connectionState !== 'connected', {
      timeoutMs: 15_000,
      description: 'Chromium notices the end',
    });

    expect((await publishFrom(second, camera)).status).toBe(201);
    await pollUntil(() => (broadcasts[1]?.video.length ?? 0) > 0, {
      timeoutMs: 10_000,
      description: 'the second publisher is seen',
    });
    await second.close();
  });

  it('ends when the publisher closes its connection', async () => {
    await publishFrom(page, camera);
    const broadcast = await firstBroadcast();
    await pollUntil(() => broadcast.video.length > 0, {
      timeoutMs: 10_000,
      description: 'a frame arrives',
    });
    await page.evaluate(() => window.shoalPublisher?.close());
    await pollUntil(() => broadcast.closeReason, {
      timeoutMs: 15_000,
      description: 'the broadcast closes',
    });
    expect(broadcast.closeReason).toBe('connection-lost');
    expect(endpoint.sessionStatistics()).toEqual([]);
  });

  it('lets the next publisher take over from one that vanished', async () => {
    await publishFrom(page, camera);
    const broadcast = await firstBroadcast();
    await pollUntil(() => broadcast.video.length > 0, {
      timeoutMs: 10_000,
      description: 'a frame arrives',
    });
    await page.close(); // no farewell: the renderer is killed
    page = await browser.newPage();
    await page.goto(url);
    const status = await pollUntil(
      async () => {
        const result = await publishFrom(page, camera);
        return result.status === 409 ? null : result.status;
      },
      { timeoutMs: 9_000, intervalMs: 500, description: 'the stream is free again' },
    );
    expect(status).toBe(201);
    await pollUntil(() => (broadcasts[1]?.video.length ?? 0) > 0, {
      timeoutMs: 10_000,
      description: 'the next publisher is seen',
    });
    expect(broadcast.closeReason).toMatch(/^(replaced|connection-lost)$/);
  });

  it('ends all sessions when the server closes', async () => {
    await publishFrom(page, camera);
    const broadcast = await firstBroadcast();
    await app.close();
    expect(broadcast.closeReason).toBe('shutdown');
    expect(endpoint.sessionStatistics()).toEqual([]);
  });

  it('refuses wrong requests with a problem that says why', async () => {
    const cases: readonly [Promise<Response>, number, string][] = [
      [post('/whip/demo', { 'Content-Type': 'application/sdp' }, 'v=0'), 401, 'stream-key-missing'],
      [
        post('/whip/demo', { ...authorized, Authorization: 'Bearer nope' }, 'v=0'),
        403,
        'stream-key-wrong',
      ],
      [post('/whip/other', authorized, 'v=0'), 403, 'stream-key-wrong'],
      [post('/whip/No%20Stream', authorized, 'v=0'), 400, 'stream-id-invalid'],
      [
        post('/whip/demo', { ...authorized, 'Content-Type': 'application/json' }, '{}'),
        415,
        'content-type-wrong',
      ],
      [post('/whip/demo', authorized, 'nonsense'), 400, 'offer-invalid'],
      [post('/whip/demo', authorized, `v=0\r\n${'a=x\r\n'.repeat(20_000)}`), 413, 'body-too-large'],
      [fetch(`${url}/whip/demo`, { method: 'PUT' }), 405, 'method-not-allowed'],
      [fetch(`${url}/whip/demo/sessions/0123`, { method: 'DELETE' }), 404, 'session-not-found'],
    ];
    for (const [request, status, code] of cases) {
      const response = await request;
      expect(response.headers.get('Content-Type')).toMatch(/^application\/problem\+json/);
      expect(response.headers.get('Access-Control-Allow-Origin')).toBe('*');
      const problem: unknown = await response.json();
      expect(problem).toMatchObject({ status, type: `urn:shoal:ingest:${code}` });
      expect(response.status).toBe(status);
    }
    expect(endpoint.sessionStatistics()).toEqual([]);
  });

  it('answers preflight, GET, HEAD and PATCH as RFC 9725 asks', async () => {
    const preflight = await fetch(`${url}/whip/demo`, {
      method: 'OPTIONS',
      headers: { Origin: 'https://example.com', 'Access-Control-Request-Method': 'POST' },
    });
    expect(preflight.status).toBe(200);
    expect(preflight.headers.get('Accept-Post')).toBe('application/sdp');
    expect(preflight.headers.get('Access-Control-Allow-Headers')).toContain('Authorization');
    for (const method of ['GET', 'HEAD']) {
      const response = await fetch(`${url}/whip/demo`, { method });
      expect([response.status, await response.text()]).toEqual([204, '']);
    }
    const sdp = await offerOf(page);
    const response = await post('/whip/demo', authorized, sdp);
    expect(response.status).toBe(201);
    expect(response.headers.get('Link')).toBeNull();
    const answer = await response.text();
    expect(response.headers.get('Content-Type')).toMatch(/^application\/sdp/);
    expect(answer).toContain('a=recvonly');
    expect(answer).toContain('a=rtcp-mux');
    expect(answer).toContain('a=candidate:');
    const location = response.headers.get('Location') ?? '';
    const patch = await fetch(url + location, {
      method: 'PATCH',
      headers: { 'Content-Type': 'application/trickle-ice-sdpfrag' },
      body: 'a=end-of-candidates\r\n',
    });
    expect(patch.status).toBe(405);
    expect(broadcasts).toEqual([]);
  });

  it('names its ICE servers, and does not wait for one that is silent', async () => {
    const other = Fastify();
    registerWhipEndpoint(other, {
      authorize: authorizeByKeys(keys),
      keyframeIntervalMs,
      bindAddress: '127.0.0.1',
      iceServers: ['stun:127.0.0.1:9'],
      logger: pino({ level: 'silent' }),
      openBroadcast: () => ({ writeFrame: () => undefined, close: async () => undefined }),
    });
    const startedAtMs = performance.now();
    const response = await other.inject({
      method: 'POST',
      url: '/whip/demo',
      headers: { authorization: 'Bearer secret', 'content-type': 'application/sdp' },
      payload: await offerOf(page),
    });
    expect(performance.now() - startedAtMs).toBeLessThan(5_000);
    expect(response.statusCode).toBe(201);
    expect(response.headers.link).toEqual(['<stun:127.0.0.1:9>; rel="ice-server"']);
    expect(response.body).toContain('a=candidate:');
    await other.close();
  });
});
