// RFC 9725 line by line, as raw HTTP against a real server, with libdatachannel as the publisher
// where a connection is needed: one named test per rule, so that a failure names the rule.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SendingConnection } from '../../infra/demo/sending-connection.ts';
import { pollUntil } from '../support/poll-until.ts';
import { pictureSsrc, SendingPictures } from '../support/sending-pictures.ts';
import { UdpRelay } from '../support/udp-relay.ts';
import { startWhipServer, type WhipServer } from '../support/whip-server.ts';

const trickleType = 'application/trickle-ice-sdpfrag';
const authorized = { Authorization: 'Bearer secret', 'Content-Type': 'application/sdp' };

let server: WhipServer;
const connections: SendingConnection[] = [];

beforeAll(async () => {
  server = await startWhipServer();
});

afterAll(async () => {
  await server.app.close();
});

afterEach(async () => {
  for (const connection of connections.splice(0)) connection.close();
  await pollUntil(() => server.endpoint.sessionStatistics().length === 0, {
    timeoutMs: 20_000,
    description: 'all sessions are freed',
  });
});

function connect(hasAudio = true): SendingConnection {
  const connection = new SendingConnection({
    codec: 'h264',
    videoSsrc: pictureSsrc,
    audioSsrc: hasAudio ? 4_712 : null,
    onLost: () => undefined,
  });
  connections.push(connection);
  return connection;
}

async function post(offer: string, stream = 'demo', url = server.url): Promise<Response> {
  const request = { method: 'POST', headers: authorized, body: offer };
  return await fetch(`${url}/whip/${stream}`, request);
}

interface Published {
  readonly connection: SendingConnection;
  readonly offer: string;
  readonly answer: string;
  readonly sessionUrl: string;
  readonly entityTag: string;
  readonly response: Response;
}

async function publish(stream = 'demo', hasAudio = true): Promise<Published> {
  const connection = connect(hasAudio);
  const offer = await connection.offer();
  const response = await post(offer, stream);
  expect(response.status).toBe(201);
  return {
    connection,
    offer,
    answer: await response.text(),
    sessionUrl: new URL(response.headers.get('Location') ?? '', `${server.url}/whip/${stream}`)
      .href,
    entityTag: response.headers.get('ETag') ?? '',
    response,
  };
}

async function patch(
  published: Published,
  body: string,
  headers: Record<string, string> = { 'If-Match': published.entityTag },
): Promise<Response> {
  return await fetch(published.sessionUrl, {
    method: 'PATCH',
    headers: { 'Content-Type': trickleType, ...headers },
    body,
  });
}

async function end(published: Published): Promise<void> {
  expect((await fetch(published.sessionUrl, { method: 'DELETE' })).status).toBe(200);
}

function credentialsOf(offer: string): string {
  const pick = (name: string): string => new RegExp(`a=${name}:.*`).exec(offer)?.[0].trim() ?? '';
  return `${pick('ice-ufrag')}\r\n${pick('ice-pwd')}\r\n`;
}

const media = 'm=video 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n';
const candidate = 'a=candidate:1 1 UDP 2122317823 127.0.0.1 40000 typ host\r\n';

async function expectProblem(response: Response, status: number, code: string): Promise<void> {
  expect(response.headers.get('Content-Type')).toMatch(/^application\/problem\+json/);
  expect(response.headers.get('Access-Control-Allow-Origin')).toBe('*');
  const problem: unknown = await response.json();
  expect(problem).toMatchObject({ status, type: `urn:shoal:ingest:${code}` });
  expect(response.status).toBe(status);
}

function mediaSections(sdp: string): string[] {
  return sdp.split(/(?=^m=)/m).slice(1);
}

describe('POST to the endpoint (§4.2)', () => {
  it('answers 201 with the answer, the session URL and a strong entity tag', async () => {
    const published = await publish();
    const { response, answer } = published;
    expect(response.headers.get('Content-Type')).toMatch(/^application\/sdp/);
    expect(response.headers.get('Location')).toMatch(/^\/whip\/demo\/sessions\/[0-9a-f]{32}$/);
    expect(published.entityTag).toMatch(/^"[^"]+"$/);
    expect(response.headers.get('Access-Control-Expose-Headers')).toMatch(/Location.*ETag.*Link/);
    expect(answer).toMatch(/^v=0\r\n/);
    await end(published);
  });

  it('answers recvonly, bundled, rtcp-mux in every section, passive or active, with candidates', async () => {
    const published = await publish();
    const sections = mediaSections(published.answer);
    expect(sections).toHaveLength(2);
    for (const section of sections) {
      expect(section).toContain('a=recvonly');
      expect(section).toContain('a=rtcp-mux');
    }
    expect(published.answer).toMatch(/a=group:BUNDLE 0 1/);
    expect(published.answer).toMatch(/a=setup:(passive|active)/);
    expect(published.answer).toContain('a=candidate:');
    expect(published.answer).toContain('a=end-of-candidates');
    await end(published);
  });

  it('takes an offer with picture alone', async () => {
    const published = await publish('demo', false);
    expect(mediaSections(published.answer)).toHaveLength(1);
    await end(published);
  });

  it('takes an offer with sound alone', async () => {
    const { offer } = await offered();
    const [session = ''] = offer.split(/(?=^m=)/m);
    const audio = mediaSections(offer).find((section) => section.startsWith('m=audio')) ?? '';
    const response = await post(session.replace('BUNDLE 0 1', 'BUNDLE 1') + audio);
    expect(response.status).toBe(201);
    await fetch(server.url + (response.headers.get('Location') ?? ''), { method: 'DELETE' });
  });

  it('refuses a wrong content type with 415', async () => {
    const { offer } = await offered();
    for (const type of ['application/json', trickleType, 'text/plain']) {
      const headers = { ...authorized, 'Content-Type': type };
      const request = { method: 'POST', headers, body: offer };
      const response = await fetch(`${server.url}/whip/demo`, request);
      await expectProblem(response, 415, 'content-type-wrong');
    }
  });

  it('refuses a malformed offer with 400', async () => {
    await expectProblem(await post('no sdp at all'), 400, 'offer-invalid');
    await expectProblem(await post('v=0\r\ns=-\r\n'), 400, 'offer-invalid');
  });

  it('refuses two tracks of a kind, two MediaStreams and unbundled media with 422', async () => {
    const { offer } = await offered();
    const [session = '', video = '', audio = ''] = offer.split(/(?=^m=)/m);
    const twice = session.replace('0 1', '0 1 2') + video + audio + video.replace('mid:0', 'mid:2');
    await expectProblem(await post(twice), 422, 'offer-not-supported');
    const twoStreams = session + video + audio.replace(/shoal-demo/g, 'another');
    await expectProblem(await post(twoStreams), 422, 'offer-not-supported');
    const unbundled = session.replace(/a=group.*\r\n/, '') + video + audio;
    await expectProblem(await post(unbundled), 422, 'offer-not-supported');
  });

  it('needs the Bearer key, and says nothing before it', async () => {
    const bare = { method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body: 'x' };
    await expectProblem(await fetch(`${server.url}/whip/demo`, bare), 401, 'stream-key-missing');
    const wrong = { ...bare, headers: { ...bare.headers, Authorization: 'Bearer nope' } };
    await expectProblem(await fetch(`${server.url}/whip/demo`, wrong), 403, 'stream-key-wrong');
  });

  it('gives sessions unguessable URLs and entity tags that never repeat', async () => {
    const seen = new Set<string>();
    for (const stream of ['demo', 'second', 'third']) {
      const published = await publish(stream);
      seen.add(published.sessionUrl.split('/').at(-1) ?? '').add(published.entityTag);
      await end(published);
    }
    expect(seen.size).toBe(6);
  });

  it('sends publishers elsewhere with 307 where the deployment wants it', async () => {
    const target = 'https://other.example/whip/demo';
    await using elsewhere = await startWhipServer({
      redirectTo: (stream) => (stream === 'demo' ? target : null),
    });
    const { offer } = await offered();
    const request = {
      method: 'POST',
      headers: authorized,
      body: offer,
      redirect: 'manual' as const,
    };
    const response = await fetch(`${elsewhere.url}/whip/demo`, request);
    expect(response.status).toBe(307);
    expect(response.headers.get('Location')).toBe(target);
    expect((await post(offer, 'second', elsewhere.url)).status).toBe(201);
  });

  it('answers 503 with Retry-After when the server, or the address, has no room', async () => {
    for (const limits of [{ maxSessions: 1 }, { maxSessionsPerAddress: 1 }]) {
      await using full = await startWhipServer(limits);
      const { offer } = await offered();
      const first = await post(offer, 'demo', full.url);
      expect(first.status).toBe(201);
      const refused = await post(offer, 'second', full.url);
      expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(0);
      await expectProblem(refused, 503, 'limit-reached');
      await fetch(full.url + (first.headers.get('Location') ?? ''), { method: 'DELETE' });
      expect((await post(offer, 'second', full.url)).status).toBe(201);
    }
  });

  it('names its ICE servers with their credentials in Link headers', async () => {
    await using relayed = await startWhipServer({
      iceServers: ['stun:127.0.0.1:9', 'turn:user:pass@127.0.0.1:9'],
    });
    const links =
      '<stun:127.0.0.1:9>; rel="ice-server", <turn:127.0.0.1:9>; rel="ice-server"; ' +
      'username="user"; credential="pass"; credential-type="password"';
    const { offer } = await offered();
    const response = await post(offer, 'demo', relayed.url);
    expect(response.status).toBe(201);
    expect(response.headers.get('Link')).toBe(links);
  });

  it('limits the requests of one address with 429 and Retry-After', async () => {
    await using guarded = await startWhipServer();
    const wrong = { ...authorized, Authorization: 'Bearer guess' };
    const request = { method: 'POST', headers: wrong, body: '' };
    let refused: Response | null = null;
    for (let count = 0; count < 200 && refused === null; count += 1) {
      const response = await fetch(`${guarded.url}/whip/demo`, request);
      if (response.status === 429) refused = response;
      else expect(response.status).toBe(403);
    }
    expect(Number(refused?.headers.get('Retry-After'))).toBeGreaterThan(0);
    if (refused !== null) await expectProblem(refused, 429, 'rate-limited');
    // Reading is not limited.
    expect((await fetch(`${guarded.url}/whip/demo`)).status).toBe(204);
  });
});

/** An offer whose publisher is closed after the test. */
async function offered(): Promise<{ readonly offer: string }> {
  return { offer: await connect().offer() };
}

describe('GET, HEAD and OPTIONS (§4.2)', () => {
  it('answer GET and HEAD with success and no content on the endpoint and on sessions', async () => {
    const published = await publish();
    for (const target of [`${server.url}/whip/demo`, published.sessionUrl]) {
      for (const method of ['GET', 'HEAD']) {
        const response = await fetch(target, { method });
        expect([response.status, await response.text()]).toEqual([204, '']);
      }
    }
    await end(published);
  });

  it('answer preflight without a key, with Accept-Post on the endpoint', async () => {
    const published = await publish();
    const cases = [
      [`${server.url}/whip/demo`, 'POST', 'Accept-Post', 'application/sdp'],
      [published.sessionUrl, 'PATCH', 'Accept-Patch', trickleType],
      [published.sessionUrl, 'DELETE', 'Accept-Patch', trickleType],
    ] as const;
    for (const [target, method, header, type] of cases) {
      const response = await fetch(target, {
        method: 'OPTIONS',
        headers: { Origin: 'https://example.com', 'Access-Control-Request-Method': method },
      });
      expect(response.status).toBe(200);
      expect(response.headers.get(header)).toBe(type);
      expect(response.headers.get('Access-Control-Allow-Origin')).toBe('*');
      expect(response.headers.get('Access-Control-Allow-Methods')).toContain(method);
      expect(response.headers.get('Access-Control-Allow-Headers')).toMatch(
        /Authorization.*Content-Type.*If-Match/,
      );
    }
    await end(published);
  });

  it('refuse methods that a resource does not have with 405 and Allow', async () => {
    const published = await publish();
    const cases = [
      [`${server.url}/whip/demo`, ['PUT', 'PATCH', 'DELETE']],
      [published.sessionUrl, ['PUT', 'POST']],
    ] as const;
    for (const [target, methods] of cases) {
      for (const method of methods) {
        const response = await fetch(target, { method, body: 'x' });
        expect(response.headers.get('Allow')).toContain('GET');
        await expectProblem(response, 405, 'method-not-allowed');
      }
    }
    await end(published);
  });
});

describe('PATCH of a session (§4.3)', () => {
  it('takes trickled candidates with 204, without body or entity tag', async () => {
    const published = await publish();
    const body = `${credentialsOf(published.offer)}${media}${candidate}a=end-of-candidates\r\n`;
    const response = await patch(published, body);
    expect(response.status).toBe(204);
    expect(response.headers.get('ETag')).toBeNull();
    expect(await response.text()).toBe('');
    await end(published);
  });

  it('drops candidates that it cannot resolve or use silently', async () => {
    const published = await publish();
    const unusable = [
      'a=candidate:1 1 UDP 2122317823 0f0e.local 40000 typ host',
      'a=candidate:2 1 TCP 2122317823 127.0.0.1 9 typ host tcptype active',
      'a=candidate:nonsense',
    ];
    const body = `${credentialsOf(published.offer)}${media}${unusable.join('\r\n')}\r\n`;
    expect((await patch(published, body)).status).toBe(204);
    await end(published);
  });

  it('connects by trickled candidates alone', async () => {
    const connection = connect(false);
    const offer = await connection.offer();
    const withoutCandidates = (sdp: string): string => sdp.replace(/a=candidate:.*\r\n/g, '');
    const response = await post(withoutCandidates(offer));
    const sessionUrl = server.url + (response.headers.get('Location') ?? '');
    // The publisher does not know where the server is: only the server can reach out.
    const connected = connection.connect(withoutCandidates(await response.text()));
    const candidates = offer.match(/a=candidate:.*\r\n/g) ?? [];
    expect(candidates.length).toBeGreaterThan(0);
    const trickled = await fetch(sessionUrl, {
      method: 'PATCH',
      headers: { 'Content-Type': trickleType, 'If-Match': response.headers.get('ETag') ?? '' },
      body: `${credentialsOf(offer)}${media}${candidates.join('')}a=end-of-candidates\r\n`,
    });
    expect(trickled.status).toBe(204);
    await connected;
    expect((await fetch(sessionUrl, { method: 'DELETE' })).status).toBe(200);
  });

  it('asks for If-Match with 428', async () => {
    const published = await publish();
    const body = `${credentialsOf(published.offer)}${media}${candidate}`;
    const response = await patch(published, body, {});
    await expectProblem(response, 428, 'precondition-required');
    await end(published);
  });

  it('refuses a stale or weak entity tag with 412', async () => {
    const published = await publish();
    const body = `${credentialsOf(published.offer)}${media}${candidate}`;
    for (const tag of ['"stale"', `W/${published.entityTag}`]) {
      const response = await patch(published, body, { 'If-Match': tag });
      await expectProblem(response, 412, 'precondition-failed');
    }
    const listed = { 'If-Match': `"stale", ${published.entityTag}` };
    expect((await patch(published, body, listed)).status).toBe(204);
    await end(published);
  });

  it('refuses another content type with 415 and says which it takes', async () => {
    const published = await publish();
    const headers = { 'If-Match': published.entityTag, 'Content-Type': 'application/sdp' };
    const response = await patch(published, candidate, headers);
    expect(response.headers.get('Accept-Patch')).toBe(trickleType);
    await expectProblem(response, 415, 'content-type-wrong');
    await end(published);
  });

  it('refuses a malformed fragment with 400 and an endless one with 413', async () => {
    const published = await publish();
    await expectProblem(await patch(published, 'nonsense'), 400, 'fragment-invalid');
    const endless = `${media}${candidate.repeat(1_000)}`;
    await expectProblem(await patch(published, endless), 413, 'body-too-large');
    await end(published);
  });

  it('refuses ICE restarts, which it cannot do, with 422, and the session goes on', async () => {
    const published = await publish();
    await published.connection.connect(published.answer);
    // The publisher may know of the connection a moment before the server does.
    await pollUntil(() => server.endpoint.sessionStatistics()[0]?.state === 'live', {
      timeoutMs: 10_000,
      description: 'the session is live',
    });
    const restart = `a=ice-ufrag:newu\r\na=ice-pwd:${'n'.repeat(24)}\r\n${media}${candidate}`;
    const response = await patch(published, restart, { 'If-Match': '*' });
    await expectProblem(response, 422, 'ice-restart-not-supported');
    expect((await fetch(published.sessionUrl)).status).toBe(204);
    expect(server.endpoint.sessionStatistics()).toMatchObject([{ state: 'live' }]);
    const body = `${credentialsOf(published.offer)}${media}${candidate}`;
    expect((await patch(published, body)).status).toBe(204);
    await end(published);
  });

  it('gives 404 for sessions that never were or have ended', async () => {
    const published = await publish();
    await end(published);
    await expectProblem(await patch(published, candidate), 404, 'session-not-found');
    const response = await fetch(published.sessionUrl, { method: 'DELETE' });
    await expectProblem(response, 404, 'session-not-found');
    expect((await fetch(published.sessionUrl)).status).toBe(404);
  });
});

describe('the end of a session (§4.2)', () => {
  it('comes by DELETE whatever the entity tag, but not with a wrong key', async () => {
    const published = await publish();
    const wrong = { method: 'DELETE', headers: { Authorization: 'Bearer wrong' } };
    await expectProblem(await fetch(published.sessionUrl, wrong), 403, 'stream-key-wrong');
    const stale = { method: 'DELETE', headers: { 'If-Match': '"stale"' } };
    expect((await fetch(published.sessionUrl, stale)).status).toBe(200);
    expect(server.endpoint.sessionStatistics()).toEqual([]);
  });

  it('comes by itself when the publisher never connects', async () => {
    await using impatient = await startWhipServer({ maxConnectingMs: 500 });
    const response = await post(await connect().offer(), 'demo', impatient.url);
    expect(response.status).toBe(201);
    await pollUntil(() => impatient.endpoint.sessionStatistics().length === 0, {
      timeoutMs: 5_000,
      description: 'the session is freed',
    });
    const sessionUrl = impatient.url + (response.headers.get('Location') ?? '');
    expect((await fetch(sessionUrl)).status).toBe(404);
  });

  it('comes within 10 s when the publisher is cut off without a farewell', async () => {
    using relay = await UdpRelay.start();
    const connection = connect(false);
    const response = await post(relay.rewriteOffer(await connection.offer()));
    expect(response.status).toBe(201);
    await connection.connect(relay.rewriteAnswer(await response.text()));
    const sender = new SendingPictures(connection);
    sender.start();
    const broadcast = await pollUntil(
      () => server.broadcasts.find(({ closeReason }) => closeReason === null),
      { timeoutMs: 10_000, description: 'the broadcast opens' },
    );
    await pollUntil(() => broadcast.video.length > 3, {
      timeoutMs: 10_000,
      description: 'frames arrive',
    });
    relay.cut();
    const cutAtMs = performance.now();
    await pollUntil(() => broadcast.closeReason, {
      timeoutMs: 12_000,
      description: 'the loss is noticed',
    });
    sender.stop();
    expect(performance.now() - cutAtMs).toBeLessThan(10_000);
    expect(broadcast.closeReason).toBe('connection-lost');
  });
});
