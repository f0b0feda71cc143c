// One site with faults, one tracker and one browser for the tests of what the player does about peers,
// CDN and operator; viewers and neighbours come and go on it. Above faulty-live-site and faulty-viewers.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ShoalConfig } from '@shoal/player';
import { Tracker, type TrackerOptions } from '@shoal/tracker';
import { pino } from 'pino';
import type { Browser } from 'playwright-core';
import { HeadlessViewer, type HeadlessViewerOptions } from '../../infra/demo/headless-viewer.ts';
import { buildForBrowsers } from '../../infra/local/build.ts';
import { launchChromium } from './chromium.ts';
import { FaultyLiveSite } from './faulty-live-site.ts';
import { FaultyViewer, type FaultyViewerOptions } from './faulty-viewers.ts';
import { pollUntil } from './poll-until.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Name of this machine that browsers do not trust as they trust 127.0.0.1: `http:` without WebCrypto. */
const insecureHost = 'insecure.test';

export interface StagePage extends Partial<Omit<FaultyViewerOptions, 'shoal'>> {
  readonly shoal?: ShoalConfig;
  /** How many neighbours watch from the start; none by default. */
  readonly neighbours?: number;
  /** Of each neighbour. */
  readonly neighbour?: Partial<HeadlessViewerOptions>;
}

export class FaultyStage {
  readonly site: FaultyLiveSite;
  readonly tracker: Tracker;
  readonly browser: Browser;
  readonly operatorToken: string;

  private constructor(
    site: FaultyLiveSite,
    tracker: Tracker,
    browser: Browser,
    operatorToken: string,
  ) {
    this.site = site;
    this.tracker = tracker;
    this.browser = browser;
    this.operatorToken = operatorToken;
  }

  /** @param options of the tracker, beside what all stages have */
  static async start(options: Partial<TrackerOptions> = {}): Promise<FaultyStage> {
    await buildForBrowsers({ isForced: false });
    const operatorToken = 'operator-of-this-test';
    const site = await FaultyLiveSite.start(path.join(root, 'player/dist'));
    const tracker = await Tracker.start({
      host: '127.0.0.1',
      port: 0,
      store: { kind: 'memory' },
      logger: pino({ level: 'silent' }),
      dashboardToken: operatorToken,
      ...options,
    });
    const browser = await launchChromium({
      arguments: [`--host-resolver-rules=MAP ${insecureHost} 127.0.0.1`],
    });
    return new FaultyStage(site, tracker, browser, operatorToken);
  }

  get insecureSiteUrl(): string {
    return this.site.url.replace('127.0.0.1', insecureHost);
  }

  headlessPeers(
    broadcast: string,
    count: number,
    options: Partial<HeadlessViewerOptions> = {},
  ): HeadlessViewer[] {
    const start = (): HeadlessViewer =>
      HeadlessViewer.start({
        playlistUrl: this.site.playlistUrl(broadcast),
        trackerUrl: this.tracker.webSocketUrl,
        telemetry: false,
        ...options,
      });
    return Array.from({ length: count }, start);
  }

  /** A Shoal page that plays, unless it opens later, and its neighbours, as long as `use` takes. */
  async withPage(
    broadcast: string,
    options: StagePage,
    use: (viewer: FaultyViewer) => Promise<void>,
  ): Promise<void> {
    const { neighbours = 0, neighbour, ...page } = options;
    const peers = this.headlessPeers(broadcast, neighbours, neighbour);
    const viewer = await FaultyViewer.open(this.browser, {
      ...{ siteUrl: this.site.url, broadcast, kind: 'shoal' },
      trackerUrl: this.tracker.webSocketUrl,
      ...page,
    });
    try {
      if (page.opens !== 'later') await viewer.untilPlaying();
      await use(viewer);
    } finally {
      await Promise.all([viewer, ...peers].map((each) => each.close()));
    }
  }

  async untilPublished(segments: number): Promise<void> {
    const goal = this.site.lastNumber + segments;
    await pollUntil(() => this.site.lastNumber >= goal, {
      timeoutMs: 60_000,
      description: `${segments} more segments`,
    });
  }

  async untilPeersDeliver(viewer: FaultyViewer, count: number, leastBytes = 1): Promise<void> {
    await pollUntil(
      async () => {
        const { peerCount, peerBytes } = await viewer.watched();
        return peerCount >= count && peerBytes >= leastBytes;
      },
      { timeoutMs: 60_000, description: 'peers deliver', intervalMs: 250 },
    );
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.tracker.close('test ended');
    await this.site.close();
  }
}
