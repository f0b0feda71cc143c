// A walk through the dashboard in a browser: every number on the page is the API's, the address
// keeps what was chosen, and a lost tracker is said, not hidden.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Tracker } from '@shoal/tracker';
import type {
  HealthSummary,
  RegionSavingsList,
  SavingsPeriods,
  SavingsSummary,
  SwarmPicture,
} from '@shoal/tracker/protocol';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bitrate, bytes, count, money, percent, text } from '../../tracker/dashboard/format.ts';
import { postBeacon } from '../support/beacons.ts';
import { launchChromium } from '../support/chromium.ts';
import { writeGeoDatabase } from '../support/mmdb-writer.ts';
import { pollUntil } from '../support/poll-until.ts';
import { storeSimulatedAudience } from '../support/stored-audience.ts';

const token = 'token-of-the-dashboard';
const authorization = `Basic ${Buffer.from(`operator:${token}`).toString('base64')}`;
const problems: string[] = [];
let directory: string;
let browser: Browser;
let tracker: Tracker;
let page: Page;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'shoal-dashboard-'));
  await storeSimulatedAudience(telemetryFile(), Date.now());
  await writeFile(geoFile(), writeGeoDatabase({ '127.0.0.0/8': { country: { iso_code: 'DE' } } }));
  tracker = await startTracker(0);
  browser = await launchChromium();
  const context = await browser.newContext({
    httpCredentials: { username: 'operator', password: token },
  });
  page = await context.newPage();
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(`${tracker.url}/?window=3600`);
});

afterAll(async () => {
  await browser?.close();
  await tracker?.close('the test is over');
  await rm(directory, { recursive: true, force: true });
});

function telemetryFile(): string {
  return path.join(directory, 'telemetry.sqlite');
}

function geoFile(): string {
  return path.join(directory, 'country.mmdb');
}

function startTracker(port: number): Promise<Tracker> {
  const store = { kind: 'sqlite', filePath: telemetryFile() } as const;
  return Tracker.start({
    port,
    store,
    dashboardToken: token,
    geoDatabasePaths: [geoFile()],
  });
}

async function api<Answer>(route: string): Promise<Answer> {
  const response = await fetch(`${tracker.url}/api/v1/${route}`, { headers: { authorization } });
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

/** The page's text for a figure, without the space that only the layout makes. */
async function figure(label: string): Promise<string> {
  const amount = page.locator(`.figure:has(dt:text-is("${label}")) .amount`).first();
  return (await amount.innerText()).replace(/\s/g, '');
}

async function eventually(read: () => Promise<string>, expected: string): Promise<void> {
  await pollUntil(async () => (await read()) === expected.replace(/\s/g, ''), {
    timeoutMs: 15_000,
    description: `the page shows ${expected}`,
  });
}

describe('dashboard', () => {
  it('shows the numbers of the API', async () => {
    const summary = await api<SavingsSummary>('savings?windowSeconds=3600');
    expect(summary.peerBytes).toBeGreaterThan(1e9);
    await eventually(() => figure('Traffic saved'), text(bytes(summary.savedBytes)));
    const hero = page.locator('.hero-amount');
    await eventually(
      async () => (await hero.innerText()).replace(/\s/g, ''),
      text(percent(summary.offloadRatio)),
    );
    await eventually(() => figure('Money saved'), money(summary.savedMoney, 'USD'));
    await eventually(() => figure('CDN, reported'), text(bytes(summary.cdnBytes)));
    await eventually(() => figure('Stalled'), text(percent(summary.stallRatio, 2)));
    const periods = await api<SavingsPeriods>('savings/periods');
    const month = (periods.month.peerBytes / 1e9) * periods.pricePerGb;
    await eventually(() => figure('This month'), money(month, 'USD'));
  });

  it('shows one stream after a click on its name, and all again with the back button', async () => {
    const { peerBytes } = await api<SavingsSummary>('savings?windowSeconds=3600&stream=match');
    await page.click('tbody a:text-is("match")');
    await eventually(() => figure('Traffic saved'), text(bytes(peerBytes)));
    expect(new URL(page.url()).searchParams.get('stream')).toBe('match');
    await page.goBack();
    const all = await api<SavingsSummary>('savings?windowSeconds=3600');
    await eventually(() => figure('Traffic saved'), text(bytes(all.peerBytes)));
  });

  it('counts money at the reader’s price and keeps it in the address', async () => {
    // The window moves on: every ten seconds the hour is worth another cent.
    const isShown = async (): Promise<boolean> => {
      const { savedBytes } = await api<SavingsSummary>('savings?windowSeconds=3600');
      return (await figure('Money saved')) === money((savedBytes / 1e9) * 0.2, 'USD');
    };
    const shown = { timeoutMs: 15_000, description: 'the page shows the money of the API' };
    await page.fill('.price input', '0.2');
    await page.press('.price input', 'Enter');
    await pollUntil(isShown, shown);
    await page.reload();
    await pollUntil(isShown, shown);
    expect(new URL(page.url()).searchParams.get('price')).toBe('0.2');
  });

  it('has windows up to 30 days, chosen by keyboard, and the same as CSV', async () => {
    await page.focus('input[aria-label="last hour"]');
    for (let step = 0; step < 3; step += 1) await page.keyboard.press('ArrowRight');
    await pollUntil(() => new URL(page.url()).searchParams.get('window') === '2592000', {
      timeoutMs: 5_000,
      description: 'the window of 30 days is in the address',
    });
    const summary = await api<SavingsSummary>('savings?windowSeconds=2592000');
    await eventually(() => figure('Traffic saved'), text(bytes(summary.savedBytes)));
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('text=CSV')]);
    expect(download.suggestedFilename()).toBe('savings-all-streams-2592000s.csv');
  });

  it('orders streams by traffic or by the lowest offload', async () => {
    const names = async (): Promise<string[]> =>
      await page.locator('#streams-table tbody th a').allInnerTexts();
    const byTraffic = await names();
    expect([...byTraffic].sort()).toEqual(['demo', 'match', 'talk']);
    const list = await api<{ streams: { stream: string; offloadRatio: number }[] }>(
      'savings/streams?windowSeconds=2592000',
    );
    const byOffload = [...list.streams].sort((a, b) => a.offloadRatio - b.offloadRatio);
    // The input lies under its label, which looks like a button.
    await page.check('label:has-text("Lowest offload") input', { force: true });
    expect(await names()).toEqual(byOffload.map(({ stream }) => stream));
  });

  it('draws who feeds whom in one stream, and says it of the viewer that is pointed at', async () => {
    const report = (session: string, peerId: string, neighbour: string, cdnBytes: number) =>
      postBeacon(tracker.url, {
        session,
        stream: 'match',
        intervalMs: 5_000,
        cdnBytes,
        peerBytes: 1_000_000,
        uploadedBytes: 1_000_000,
        peerId,
        peers: [{ id: neighbour, receivedBytes: 1_000_000, sentBytes: 1_000_000 }],
      });
    expect(await report('session-of-a-picture-1', 'aaaaaaaa', 'bbbbbbbb', 250_000)).toBe(204);
    expect(await report('session-of-a-picture-2', 'bbbbbbbb', 'aaaaaaaa', 0)).toBe(204);
    await page.goto(`${tracker.url}/?stream=match`);
    await page.waitForSelector('.swarm .node.viewer >> nth=1', { timeout: 15_000 });
    const picture = await api<SwarmPicture>('swarm?stream=match');
    expect(await page.locator('.swarm .arrow.peer').count()).toBe(picture.links.length);
    expect(await page.locator('.swarm .arrow.cdn').count()).toBe(1);
    await page.focus('.swarm .node.viewer >> nth=0');
    const details = page.locator('.swarm-details');
    await details.locator('h3:text-is("Viewer aaaaaaaa")').waitFor();
    const first = picture.viewers.find(({ id }) => id === 'aaaaaaaa');
    expect(await details.innerText()).toContain(text(bitrate(first?.cdnBitrateBps ?? 0)));
    expect(await details.innerText()).toContain('bbbbbbbb');
  });

  it('shows what was delivered in each country', async () => {
    await page.goto(`${tracker.url}/?stream=match`);
    const { regions } = await api<RegionSavingsList>('savings/regions?stream=match');
    const germany = regions.find(({ region }) => region === 'DE');
    expect(germany?.peerBytes).toBe(2_000_000);
    const row = page.locator('section:has(> #regions) tr:has(th:text-is("Germany"))');
    await row.waitFor({ timeout: 15_000 });
    expect(await row.innerText()).toContain(text(percent(germany?.offloadRatio ?? null)));
  });

  it('compares with everybody on the CDN alone, and fairly once somebody is held out', async () => {
    const note = page.locator('section:has(> #quality) .note').last();
    await page.goto(`${tracker.url}/?stream=match`);
    await note.getByText('Not a fair comparison').waitFor({ timeout: 15_000 });
    const status = await postBeacon(tracker.url, {
      session: 'session-that-is-held-out',
      stream: 'match',
      ...{ peerBytes: 0, uploadedBytes: 0, peerCount: 0, p2pEnabled: false, heldOut: true },
      ...{ startupSeconds: 1.25, playedSeconds: 4, stallSeconds: 1 },
    });
    expect(status).toBe(204);
    await note.getByText('Chance alone decides who is held out').waitFor({ timeout: 15_000 });
    const { qualityHeldOut } = await api<SavingsSummary>('savings?stream=match');
    expect(qualityHeldOut).toMatchObject({
      playedSeconds: 4,
      stallRatio: 0.2,
      startupSeconds: 1.25,
    });
    const table = page.locator('.compare');
    await table.locator('th:text-is("held out")').waitFor();
    const startup = table.locator('tr:has(th:text-is("Start-up")) td').last();
    await eventually(() => startup.innerText().then((shown) => shown.replace(/\s/g, '')), '1.25 s');
  });

  it('shows how tracker and ingest do', async () => {
    const { tracker: health } = await api<HealthSummary>('health');
    const services = page.locator('section:has(> #health)');
    expect(await services.innerText()).toMatch(/Tracker\s+Works/);
    expect(health.beaconsCounted).toBeGreaterThan(0);
    const counted = services.locator('div:has(> dt:text-is("Reports counted")) dd');
    await eventually(() => counted.innerText(), count(health.beaconsCounted));
  });

  it.each([360, 768, 1280])('fits a screen of %i px without scrolling sideways', async (width) => {
    await page.setViewportSize({ width, height: 900 });
    await page.goto(`${tracker.url}/?stream=match&window=3600`);
    await page.waitForSelector('.hero-amount');
    await page.waitForSelector('.swarm .node.viewer');
    const overflowPx = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflowPx).toBe(0);
    await page.screenshot({ path: path.join(directory, `dashboard-${width}.png`), fullPage: true });
  });

  it('says that the tracker is gone, keeps the last figures, and comes back by itself', async () => {
    const viewers = await figure('Viewers now');
    expect(viewers).toBe(count(Number(viewers.replace(/,/g, ''))));
    await tracker.close('the test ends it');
    await page.waitForSelector('[role=alert]', { timeout: 20_000 });
    expect(await figure('Traffic saved')).not.toBe('');
    tracker = await startTracker(tracker.port);
    await page.waitForSelector('[role=alert]', { state: 'detached', timeout: 20_000 });
    expect(problems).toEqual([]);
  });
});
