// What operators see: the dashboard's files and who may have them, and the CDN's logs held against
// what viewers report.

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Tracker, type TrackerOptions } from '@shoal/tracker';
import type { HealthSummary, SwarmPicture } from '@shoal/tracker/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { reconcile, sumLogs } from '../../tracker/telemetry/cdn-logs/reconcile.ts';
import { postBeacon } from '../support/beacons.ts';
import { startListingIngest } from '../support/listing-ingest.ts';
import { pollUntil } from '../support/poll-until.ts';

const cleanups: (() => Promise<unknown>)[] = [];

async function startTracker(options: Partial<TrackerOptions> = {}): Promise<Tracker> {
  const tracker = await Tracker.start({ port: 0, ...options });
  cleanups.push(() => tracker.close('the test is over'));
  return tracker;
}

async function temporaryFile(): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'shoal-tracker-'));
  cleanups.push(() => rm(directory, { recursive: true, force: true }));
  return path.join(directory, 'file');
}

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe('the dashboard', () => {
  it('is served with its files cached for ever and nothing from elsewhere allowed', async () => {
    const directory = path.dirname(await temporaryFile());
    await mkdir(path.join(directory, 'assets'));
    await writeFile(path.join(directory, 'index.html'), '<!doctype html><title>Savings</title>');
    await writeFile(path.join(directory, 'assets', 'index-abc.js'), 'export {};');
    const tracker = await startTracker({ dashboardDir: directory });
    const page = await fetch(`${tracker.url}/?stream=demo`);
    expect(await page.text()).toContain('<title>Savings</title>');
    expect(page.headers.get('cache-control')).toBe('no-cache');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    const script = await fetch(`${tracker.url}/assets/index-abc.js`);
    expect(script.headers.get('cache-control')).toContain('immutable');
    expect((await fetch(`${tracker.url}/assets/../../telemetry.sqlite`)).status).toBe(404);
  });

  it('and its figures ask for the token where one is set, beacons and probes do not', async () => {
    const token = 'token-of-the-dashboard';
    const tracker = await startTracker({ dashboardToken: token });
    const status = async (path: string, authorization?: string): Promise<number> => {
      const headers = authorization === undefined ? {} : { authorization };
      const response = await fetch(`${tracker.url}${path}`, { headers });
      await response.body?.cancel();
      return response.status;
    };
    const paths = ['/', '/api/v1/savings', '/api/v1/savings.csv', '/api/v1/events', '/assets/x.js'];
    for (const path of paths) expect([path, await status(path)]).toEqual([path, 401]);
    const basic = (password: string): string =>
      `Basic ${Buffer.from(`anyone:${password}`).toString('base64')}`;
    expect(await status('/api/v1/savings', basic('wrong'))).toBe(401);
    expect(await status('/api/v1/savings', basic(token))).toBe(200);
    expect(await status('/api/v1/savings/periods', `Bearer ${token}`)).toBe(200);
    for (const path of ['/healthz', '/readyz', '/metrics']) expect(await status(path)).toBe(200);
    expect(await postBeacon(tracker.url)).toBe(204);
    const refused = await fetch(tracker.url);
    expect(refused.headers.get('www-authenticate')).toMatch(/^Basic /);
    expect(await refused.json()).toMatchObject({ type: 'urn:shoal:tracker:dashboard-token-wrong' });
  });

  it('says how to build it where it is not built', async () => {
    const tracker = await startTracker({ dashboardDir: '/nonexistent' });
    const response = await fetch(tracker.url);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ type: 'urn:shoal:tracker:dashboard-not-built' });
  });
});

describe('CDN logs', () => {
  it('are held against what viewers report, and differences above 5 % are flagged', async () => {
    const tracker = await startTracker();
    await postBeacon(tracker.url, { cdnBytes: 1_000_000 });
    await postBeacon(tracker.url, { session: 'session-of-another', stream: 'other', cdnBytes: 50 });
    const now = new Date();
    const line = (stream: string, bytes: number): string =>
      JSON.stringify({
        ClientRequestURI: `/live/${stream}/720p/0-1.m4s`,
        EdgeResponseBytes: bytes,
        EdgeStartTimestamp: now.toISOString(),
      });
    const file = `${await temporaryFile()}.log`;
    await writeFile(file, [line('demo', 980_000), line('other', 500), 'nonsense', ''].join('\n'));
    const logs = await sumLogs('cloudflare', [file]);
    expect(logs?.unreadableLines).toBe(1);
    const results = logs === null ? [] : await reconcile(logs, tracker.url, null);
    expect(results).toMatchObject([
      { stream: 'demo', measuredBytes: 980_000, reportedBytes: 1e6, isWithinTolerance: true },
      { stream: 'other', measuredBytes: 500, reportedBytes: 50, isWithinTolerance: false },
    ]);
    const program = 'tracker/telemetry/cdn-logs/main.ts';
    const command = ['--import', 'tsx', program, 'cloudflare', tracker.url, file];
    const failure = await promisify(execFile)(process.execPath, command).catch(
      (error: { code: number; stdout: string }) => error,
    );
    expect(failure).toMatchObject({ code: 1 });
    expect(failure.stdout).toMatch(/^demo .* 2\.0 % +agree$/m);
    expect(failure.stdout).toMatch(/^other .* DIFFER$/m);
  });

  it('reach the dashboard from whoever has its token, once however often they are imported', async () => {
    const token = 'token-of-the-dashboard';
    const tracker = await startTracker({ dashboardToken: token });
    await postBeacon(tracker.url, { cdnBytes: 1_000_000 });
    const file = `${await temporaryFile()}.log`;
    await writeFile(
      file,
      JSON.stringify({
        ClientRequestURI: '/live/demo/720p/0-1.m4s',
        EdgeResponseBytes: 1_100_000,
        EdgeStartTimestamp: new Date().toISOString(),
      }),
    );
    const program = 'tracker/telemetry/cdn-logs/main.ts';
    const command = ['--import', 'tsx', program, 'cloudflare', tracker.url, file];
    const environment = { ...process.env, SHOAL_DASHBOARD_TOKEN: token };
    for (let run = 0; run < 2; run += 1) {
      await promisify(execFile)(process.execPath, command, { env: environment }).catch(() => {});
    }
    const headers = { authorization: `Bearer ${token}` };
    const savings = await fetch(`${tracker.url}/api/v1/savings?windowSeconds=900`, { headers });
    expect(await savings.json()).toMatchObject({
      cdnMeasured: { measuredBytes: 1_100_000, reportedBytes: 1_000_000, coveredSeconds: 60 },
    });
  });

  it('are refused where nobody protects the dashboard, and where they cannot be read', async () => {
    const post = async (url: string, value: unknown, token?: string): Promise<Response> =>
      fetch(`${url}/api/v1/cdn-usage`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(token && { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify(value),
      });
    const usage = [{ at: new Date().toISOString(), stream: 'demo', bytes: 5 }];
    const open = await startTracker();
    expect(await (await post(open.url, { source: 'a.log', usage })).json()).toMatchObject({
      type: 'urn:shoal:tracker:import-not-enabled',
    });
    const guarded = await startTracker({ dashboardToken: 'secret' });
    expect((await post(guarded.url, { source: 'a.log', usage })).status).toBe(401);
    const wrong = [{ at: 'yesterday', stream: 'demo', bytes: 5 }];
    const refusal = await post(guarded.url, { source: 'a.log', usage: wrong }, 'secret');
    expect(refusal.status).toBe(400);
    expect(await refusal.json()).toMatchObject({ detail: expect.stringMatching(/^usage\.0\.at/) });
  });
});

describe('the dashboard’s other figures', () => {
  it('are who feeds whom in a stream, for half a minute, from what viewers say', async () => {
    const tracker = await startTracker();
    const traffic = { receivedBytes: 50_000, sentBytes: 0 };
    await postBeacon(tracker.url, { peerId: 'senderid', peers: [] });
    await postBeacon(tracker.url, {
      session: 'session-of-receiver',
      peerId: 'receiver',
      peers: [{ id: 'senderid', ...traffic }],
    });
    const response = await fetch(`${tracker.url}/api/v1/swarm?stream=demo`);
    expect((await response.json()) as SwarmPicture).toMatchObject({
      stream: 'demo',
      viewerCount: 2,
      viewers: [{ id: 'receiver' }, { id: 'senderid' }],
      links: [{ from: 'senderid', to: 'receiver', bitrateBps: 80_000 }],
    });
    expect((await fetch(`${tracker.url}/api/v1/swarm`)).status).toBe(400);
    const peers = Array.from({ length: 17 }, () => ({ id: 'senderid', ...traffic }));
    expect(await postBeacon(tracker.url, { sequence: 1, peerId: 'senderid', peers })).toBe(400);
  });

  it('are the health of tracker and ingest', async () => {
    const origin = await startListingIngest();
    cleanups.push(() => origin.close());
    const tracker = await startTracker({ ingestUrl: origin.url, egressPollMs: 50 });
    await postBeacon(tracker.url);
    const health = await pollUntil(
      async () => {
        const response = await fetch(`${tracker.url}/api/v1/health`);
        const summary = (await response.json()) as HealthSummary;
        return summary.ingest?.isReachable === true && summary;
      },
      { timeoutMs: 5_000, description: 'an answer of ingest' },
    );
    expect(health.tracker).toMatchObject({
      isReady: true,
      isStoreHealthy: true,
      sockets: 0,
      beaconsCounted: 1,
      beaconsRefused: 0,
      admittedShare: 1,
    });
    expect(health.ingest).toEqual({
      isReachable: true,
      liveStreams: ['demo'],
      reconnectingStreams: [],
    });
  });
});
