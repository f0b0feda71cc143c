// The tracker's HTTP side with real requests and files: beacons in, savings out, live and after a
// restart, held against what a real HTTP server says it has sent.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Tracker, type TrackerOptions } from '@shoal/tracker';
import type { SavingsPeriods, SavingsSummary, StreamSavingsList } from '@shoal/tracker/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { signViewerToken } from '../../tracker/admission/viewer-token.ts';
import { beaconWith, postBeacon } from '../support/beacons.ts';
import { type ListingIngest, startListingIngest } from '../support/listing-ingest.ts';
import { pollUntil } from '../support/poll-until.ts';
import {
  spawnTrackerMain,
  startTrackerProcess,
  type TrackerProcess,
} from '../support/tracker-process.ts';

const cleanups: (() => Promise<unknown>)[] = [];

async function startTracker(options: Partial<TrackerOptions> = {}): Promise<Tracker> {
  const tracker = await Tracker.start({ port: 0, ...options });
  cleanups.push(() => tracker.close('the test is over'));
  return tracker;
}

async function temporaryFile(): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'shoal-tracker-'));
  cleanups.push(() => rm(directory, { recursive: true, force: true }));
  return path.join(directory, 'telemetry.sqlite');
}

function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

async function savings(baseUrl: string, query = 'stream=demo'): Promise<SavingsSummary> {
  const response = await fetch(`${baseUrl}/api/v1/savings?${query}`);
  expect(response.status).toBe(200);
  return (await response.json()) as SavingsSummary;
}

/** A result that is not the one remembered for the next half second. */
async function savingsWhen(
  baseUrl: string,
  matches: (summary: SavingsSummary) => boolean,
): Promise<SavingsSummary> {
  return await pollUntil(
    async () => {
      const summary = await savings(baseUrl);
      return matches(summary) && summary;
    },
    { timeoutMs: 10_000, description: 'the expected savings' },
  );
}

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe('beacons', () => {
  it('count once, however often and in whatever order they come, and sum up to the savings', async () => {
    const tracker = await startTracker({ pricePerGb: 0.1 });
    const beacons = [0, 1, 2, 3].map((sequence) => ({
      sequence,
      cdnBytes: 1_000_000,
      peerBytes: 3_000_000,
      startupSeconds: sequence === 0 ? 1.5 : null,
    }));
    const shuffled = [2, 0, 2, 3, 1, 1, 0, 3].map((index) => beacons[index] ?? {});
    const statuses = await Promise.all(shuffled.map((beacon) => postBeacon(tracker.url, beacon)));
    expect(new Set(statuses)).toEqual(new Set([204]));
    const summary = await savings(tracker.url);
    expect(summary).toMatchObject({
      stream: 'demo',
      windowSeconds: 300,
      viewers: 1,
      cdnBytes: 4_000_000,
      peerBytes: 12_000_000,
      offloadRatio: 0.75,
      savedBytes: 12_000_000,
      currency: 'USD',
      originEgressBytes: null,
      stallRatio: 0.05,
      startupSeconds: 1.5,
      liveLatencySeconds: 6.5,
    });
    expect(summary.savedMoney).toBeCloseTo(0.0012);
    expect(summary.series.reduce((sum, { peerBytes }) => sum + peerBytes, 0)).toBe(12_000_000);
    const metrics = await (await fetch(`${tracker.url}/metrics`)).text();
    expect(metrics).toContain('shoal_delivery_bytes_total{source="peer",stream="demo"} 12000000');
    expect(metrics).toContain('shoal_beacons_total{result="counted"} 4');
    expect(metrics).toContain('shoal_beacons_total{result="repeated"} 4');
  });

  it('are taken as text/plain, as sendBeacon sends them', async () => {
    const tracker = await startTracker();
    const headers = { 'content-type': 'text/plain;charset=UTF-8' };
    const response = await post(`${tracker.url}/api/v1/beacons`, beaconWith(), headers);
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([
      204,
      '*',
    ]);
    expect((await savings(tracker.url)).viewers).toBe(1);
  });

  it('may come from any site: the preflight allows it', async () => {
    const tracker = await startTracker();
    const response = await fetch(`${tracker.url}/api/v1/beacons`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://site.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(response.headers.get('access-control-allow-methods')).toContain('POST');
    expect(response.headers.get('access-control-allow-headers')).toContain('content-type');
  });

  it.each([
    ['no JSON', '{', 'application/json', 400, 'beacon-invalid'],
    ['a wrong field', beaconWith({ cdnBytes: -5 }), 'application/json', 400, 'beacon-invalid'],
    ['nothing', '', 'application/json', 400, 'beacon-invalid'],
    ['too much', ' '.repeat(16 * 1024 + 1), 'application/json', 413, 'body-too-large'],
    ['another type', 'a=1', 'application/x-www-form-urlencoded', 415, 'content-type-wrong'],
  ])('are refused with problem+json: %s', async (_name, body, type, status, code) => {
    const tracker = await startTracker();
    const url = `${tracker.url}/api/v1/beacons`;
    const response = await post(url, body, { 'content-type': type });
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(await response.json()).toMatchObject({ status, type: `urn:shoal:tracker:${code}` });
  });

  it('need a token for their stream where a secret is set', async () => {
    const secret = 'a secret of at least 32 characters';
    const tracker = await startTracker({ viewerTokenSecret: secret });
    const url = `${tracker.url}/api/v1/beacons`;
    const token = await signViewerToken(secret, { stream: 'demo', lifetimeSeconds: 60 });
    const bearer = { authorization: `Bearer ${token}` };
    expect((await post(url, beaconWith())).status).toBe(401);
    expect((await post(`${url}?token=x.y.z`, beaconWith())).status).toBe(403);
    expect((await post(url, beaconWith({ stream: 'other' }), bearer)).status).toBe(403);
    expect((await post(url, beaconWith(), bearer)).status).toBe(204);
    expect((await post(`${url}?token=${token}`, beaconWith({ sequence: 1 }))).status).toBe(204);
    expect((await savings(tracker.url, '')).cdnBytes).toBe(2_000);
  });

  it('that were acknowledged survive a SIGKILL, and their repeats still count once', async () => {
    const file = await temporaryFile();
    const first = await spawnTracker(file);
    let acknowledged = 0;
    const sending = Array.from({ length: 20 }, async (_, viewer) => {
      for (let sequence = 0; ; sequence += 1) {
        const session = `session-of-viewer-${String(viewer).padStart(3, '0')}`;
        const status = await postBeacon(first.url, { session, sequence, cdnBytes: 1, peerBytes: 1 })
          // The tracker is dead: what was under way was not acknowledged.
          .catch(() => 0);
        if (status !== 204) return sequence;
        acknowledged += 1;
      }
    });
    await pollUntil(() => acknowledged > 200, { timeoutMs: 20_000, description: '200 beacons' });
    first.process.kill('SIGKILL');
    const counts = await Promise.all(sending);

    const second = await spawnTracker(file);
    for (const [viewer, sequence] of counts.entries()) {
      const session = `session-of-viewer-${String(viewer).padStart(3, '0')}`;
      // Acknowledged before, and the one whose fate is unknown: both are sent again.
      for (const repeat of [Math.max(0, sequence - 1), sequence]) {
        const changes = { session, sequence: repeat, cdnBytes: 1, peerBytes: 1 };
        expect(await postBeacon(second.url, changes)).toBe(204);
      }
    }
    const sent = counts.reduce((sum, count) => sum + count + 1, 0);
    const summary = await savings(second.url);
    expect([summary.cdnBytes, summary.peerBytes]).toEqual([sent, sent]);
  });
});

describe.runIf(process.platform === 'linux')('a full disk', () => {
  it('is answered with 503, and what was refused counts once when there is room again', async () => {
    const tracker = await spawnTracker(await temporaryFile());
    const send = (sequence: number): Promise<number> =>
      postBeacon(tracker.url, { sequence, cdnBytes: 1, peerBytes: 1 });
    expect(await send(0)).toBe(204);
    // The kernel refuses to let files grow beyond this, as it does when the disk is full.
    await limitFileSize(tracker.process.pid, '200000:');
    let sequence = 1;
    while ((await send(sequence)) === 204) {
      sequence += 1;
      expect(sequence).toBeLessThan(500);
    }
    expect(await send(sequence)).toBe(503);
    expect((await fetch(`${tracker.url}/readyz`)).status).toBe(503);
    await limitFileSize(tracker.process.pid, 'unlimited:');
    await pollUntil(async () => (await send(sequence)) === 204, {
      timeoutMs: 10_000,
      description: 'beacons are stored again',
    });
    const summary = await savingsWhen(tracker.url, ({ cdnBytes }) => cdnBytes === sequence + 1);
    expect(summary.peerBytes).toBe(sequence + 1);
  });
});

describe('savings', () => {
  it('survive a restart on the same file', async () => {
    const store = { kind: 'sqlite', filePath: await temporaryFile() } as const;
    const first = await Tracker.start({ port: 0, store });
    expect(await postBeacon(first.url, { cdnBytes: 11 })).toBe(204);
    await first.close('restart');
    const second = await startTracker({ store });
    expect(await postBeacon(second.url, { cdnBytes: 11 })).toBe(204);
    expect(await savings(second.url)).toMatchObject({ cdnBytes: 11, viewers: 1 });
  });

  it('forget a viewer whose session has ended, but not its bytes', async () => {
    const tracker = await startTracker();
    await postBeacon(tracker.url);
    await postBeacon(tracker.url, { session: 'session-of-another' });
    await postBeacon(tracker.url, { sequence: 1, ended: true });
    expect(await savings(tracker.url)).toMatchObject({ viewers: 1, cdnBytes: 3_000 });
  });

  it('are given for today, the month and a year at this pace, and as CSV', async () => {
    const tracker = await startTracker({ pricePerGb: 0.1 });
    await postBeacon(tracker.url, { cdnBytes: 1_000, peerBytes: 3_000 });
    const response = await fetch(`${tracker.url}/api/v1/savings/periods?stream=demo`);
    const periods = (await response.json()) as SavingsPeriods;
    const sums = { cdnBytes: 1_000, peerBytes: 3_000 };
    expect(periods).toMatchObject({ stream: 'demo', today: sums, month: sums, pricePerGb: 0.1 });
    expect(periods.projectedYear.peerBytes).toBeGreaterThan(3_000 * 365);
    const csv = await fetch(`${tracker.url}/api/v1/savings.csv?stream=demo&windowSeconds=60`);
    expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(csv.headers.get('content-disposition')).toContain('savings-demo-60s.csv');
    expect(await csv.text()).toMatch(/Z,demo,10,1,1000,3000,0\.750000\r\n/);
  });

  it('can be asked for a window that has ended', async () => {
    const tracker = await startTracker();
    await postBeacon(tracker.url);
    const until = (afterMs: number): Promise<SavingsSummary> => {
      const at = new Date(Date.now() + afterMs).toISOString();
      return savings(tracker.url, `windowSeconds=60&until=${at}`);
    };
    expect([(await until(0)).cdnBytes, (await until(-60_000)).cdnBytes]).toEqual([1_000, 0]);
    const wrong = await fetch(`${tracker.url}/api/v1/savings?until=yesterday`);
    expect(wrong.status).toBe(400);
  });

  it('leave out what a stream of this bit rate cannot have delivered, and say so', async () => {
    const tracker = await startTracker();
    await postBeacon(tracker.url);
    expect(await postBeacon(tracker.url, { sequence: 1, peerBytes: 30e9 })).toBe(204);
    expect(await savings(tracker.url)).toMatchObject({
      peerBytes: 3_000,
      setAsideBeacons: 1,
      setAsideBytes: 30e9 + 1_000,
    });
    const metrics = await (await fetch(`${tracker.url}/metrics`)).text();
    expect(metrics).toContain('shoal_beacons_total{result="set-aside"} 1');
  });

  it('are given per stream and for all streams together', async () => {
    const tracker = await startTracker();
    await postBeacon(tracker.url, { cdnBytes: 10, peerBytes: 30 });
    const other = { session: 'session-of-another', stream: 'other', cdnBytes: 5, peerBytes: 0 };
    await postBeacon(tracker.url, other);
    expect(await savings(tracker.url, 'windowSeconds=30')).toMatchObject({
      stream: null,
      windowSeconds: 30,
      viewers: 2,
      cdnBytes: 15,
      peerBytes: 30,
    });
    const response = await fetch(`${tracker.url}/api/v1/savings/streams`);
    expect((await response.json()) as StreamSavingsList).toMatchObject({
      streams: [
        { stream: 'demo', viewers: 1, cdnBytes: 10, peerBytes: 30, offloadRatio: 0.75 },
        { stream: 'other', viewers: 1, cdnBytes: 5, peerBytes: 0, offloadRatio: 0, isLive: null },
      ],
    });
  });

  it.each(['windowSeconds=9', 'windowSeconds=2592001', 'windowSeconds=x', 'stream=A%2F'])(
    'refuse the query %s',
    async (query) => {
      const tracker = await startTracker();
      const response = await fetch(`${tracker.url}/api/v1/savings?${query}`);
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ type: 'urn:shoal:tracker:query-invalid' });
    },
  );

  it('come live as server-sent events, to a bounded number of clients', async () => {
    const tracker = await startTracker({ eventIntervalMs: 100, maxEventClients: 1 });
    const abort = new AbortController();
    const url = `${tracker.url}/api/v1/events?stream=demo&windowSeconds=60`;
    const response = await fetch(url, { signal: abort.signal });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect((await fetch(url)).status).toBe(503);
    await postBeacon(tracker.url, { cdnBytes: 77 });
    const event = await firstEvent(response, (summary) => summary.cdnBytes === 77);
    expect(event).toMatchObject({ stream: 'demo', windowSeconds: 60, viewers: 1 });
    abort.abort();
    const again = new AbortController();
    await pollUntil(async () => (await fetch(url, { signal: again.signal })).status === 200, {
      timeoutMs: 5_000,
      description: 'room after the client has left',
    });
    // An open stream must not hold up the end.
    await tracker.close('with a client');
    again.abort();
  });
});

describe('origin egress', () => {
  it('is measured at ingest, and unknown when ingest never answered', async () => {
    const origin = await startOrigin();
    const tracker = await startTracker({ ingestUrl: origin.url, egressPollMs: 50 });
    await savingsWhen(tracker.url, ({ originEgressBytes }) => originEgressBytes === 0);
    origin.egressBytes += 500;
    await savingsWhen(tracker.url, ({ originEgressBytes }) => originEgressBytes === 500);
    // A restart of ingest sets its counters back.
    origin.egressBytes = 200;
    await savingsWhen(tracker.url, ({ originEgressBytes }) => originEgressBytes === 700);
    const response = await fetch(`${tracker.url}/api/v1/savings/streams`);
    expect((await response.json()) as StreamSavingsList).toMatchObject({
      streams: [{ stream: 'demo', isLive: true, viewers: 0, offloadRatio: null }],
    });
  });
});

describe('a public tracker', () => {
  it('takes beacons only of streams that ingest has, once ingest has named them', async () => {
    const origin = await startOrigin();
    const tracker = await startTracker({
      ingestUrl: origin.url,
      egressPollMs: 100,
      knownStreamsOnly: true,
    });
    await pollUntil(async () => (await postBeacon(tracker.url)) === 204, {
      timeoutMs: 5_000,
      description: 'a beacon of a stream that ingest has',
    });
    const stranger = { session: 'session-of-a-stranger', stream: 'invented' };
    const response = await post(`${tracker.url}/api/v1/beacons`, beaconWith(stranger));
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ type: 'urn:shoal:tracker:stream-unknown' });
    const silent = await startTracker({ knownStreamsOnly: true });
    expect(await postBeacon(silent.url)).toBe(503);
  });
});

describe('the tracker on its own', () => {
  it('prints its URLs and ready, and ends with 0 on SIGTERM', async () => {
    const tracker = await spawnTracker(await temporaryFile());
    expect((await fetch(`${tracker.url}/readyz`)).status).toBe(200);
    tracker.process.kill('SIGTERM');
    expect((await once(tracker.process, 'exit'))[0]).toBe(0);
  });

  it('refuses an unknown variable with exit code 2 and its name', async () => {
    const child = spawnTrackerMain({ SHOAL_TYPO: '1' });
    let output = '';
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    expect((await once(child, 'close'))[0]).toBe(2);
    expect(output).toContain('SHOAL_TYPO');
  });

  it('answers unknown paths with problem+json', async () => {
    const tracker = await startTracker();
    const response = await fetch(`${tracker.url}/nothing`);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ type: 'urn:shoal:tracker:resource-not-found' });
  });
});

function limitFileSize(pid: number | undefined, limit: string): Promise<unknown> {
  return promisify(execFile)('prlimit', ['--pid', String(pid), `--fsize=${limit}`]);
}

async function firstEvent(
  response: Response,
  matches: (summary: SavingsSummary) => boolean,
): Promise<SavingsSummary> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    for (const [, data = ''] of text.matchAll(/^data: (.*)\n\n/gm)) {
      const summary = JSON.parse(data) as SavingsSummary;
      if (matches(summary)) return summary;
    }
  }
  throw new Error('the stream of events ended');
}

/** A real HTTP server that answers like ingest, with a counter to turn. */
async function startOrigin(): Promise<ListingIngest> {
  const ingest = await startListingIngest();
  cleanups.push(() => ingest.close());
  return ingest;
}

async function spawnTracker(file: string): Promise<TrackerProcess> {
  const tracker = await startTrackerProcess({ SHOAL_TELEMETRY_STORE: `sqlite:${file}` });
  cleanups.push(() => tracker.kill());
  return tracker;
}
