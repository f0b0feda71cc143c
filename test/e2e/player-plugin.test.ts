// The plugin on pages of sites, in real browsers and in one swarm: the examples to copy, hls.js in its
// versions and builds, several players on a page, Firefox beside Chromium.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PlayerStats } from '@shoal/player';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HeadlessViewer } from '../../infra/demo/headless-viewer.ts';
import { BrowserViewer } from '../support/browser-viewer.ts';
import { BuiltExamples } from '../support/built-examples.ts';
import { launchChromium } from '../support/chromium.ts';
import { launchFirefox } from '../support/firefox.ts';
import { HlsSite } from '../support/hls-site.ts';
import { LiveStage } from '../support/live-stage.ts';
import { PlayerCycles, pageOfCycles } from '../support/player-cycles.ts';
import { pollUntil } from '../support/poll-until.ts';

const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));
const timeoutMs = 90_000;
const names = [
  ...['video', 'plyr', 'vidstack', 'media-chrome', 'dplayer', 'clappr', 'react'],
  ...['script-tag', 'script-tag-hls'],
];

let stage: LiveStage;
let examples: BuiltExamples;
let site: HlsSite;
let browser: Browser;
let context: BrowserContext;
let neighbour: HeadlessViewer | undefined;

beforeAll(async () => {
  stage = await LiveStage.start('plugin');
  const { ingestUrl } = stage.services;
  const addresses = { ingestUrl, trackerUrl: stage.trackerSocketUrl, stream: stage.stream };
  examples = await BuiltExamples.build(addresses);
  site = await HlsSite.start({
    folders: {
      '/examples/': examples.folder,
      '/hls-1.6/': path.join(modules, 'hls.js-1.6/dist'),
      '/hls-1.7/': path.join(modules, 'hls.js/dist'),
    },
  });
  browser = await launchChromium();
  context = await newContext();
});

afterAll(async () => {
  await neighbour?.close();
  await browser?.close();
  await site?.close();
  await examples?.remove();
  await stage?.close();
});

/** A viewer's browser: with others in one, pages would share its six connections to the origin. */
async function newContext(): Promise<BrowserContext> {
  const made = await browser.newContext({ viewport: { width: 800, height: 700 } });
  // The servers of others that two examples ask for files of their packages.
  await made.route(/cdn\.jsdelivr\.net|cdn\.plyr\.io/, (route) => {
    const name = path.basename(new URL(route.request().url()).pathname);
    const folder = name === 'plyr.svg' ? 'plyr/dist' : 'hls.js/dist';
    return route.fulfill({
      path: path.join(modules, folder, name),
      headers: { 'access-control-allow-origin': '*' },
    });
  });
  return made;
}

/** Somebody who is there for all but the first test, in which nobody else may deliver. */
function meetNeighbour(): void {
  neighbour ??= stage.neighbour();
}

describe('Firefox and Chromium', () => {
  it('play in the same swarm and deliver to each other', async () => {
    const firefox = await launchFirefox();
    const chromium = await BrowserViewer.open(browser, stage.watchUrl);
    try {
      const page = await firefox.newPage();
      await page.goto(stage.watchUrl);
      const ofFirefox = () =>
        page.evaluate(() => {
          const player = document.querySelector('shoal-player');
          const video = player?.shadowRoot?.querySelector('video');
          return {
            stats: player && 'stats' in player ? (player.stats as PlayerStats) : null,
            positionSeconds: video?.currentTime ?? 0,
            decodedFrames: video?.getVideoPlaybackQuality().totalVideoFrames ?? 0,
          };
        });
      // Nobody else is in this swarm: what one has from peers, the other has sent.
      const [inFirefox, inChromium] = await pollUntil(
        async () => {
          const [firefoxNow, chromiumStats] = [await ofFirefox(), await chromium.stats()];
          const hasBoth = (firefoxNow.stats?.peerBytes ?? 0) > 0 && chromiumStats.peerBytes > 0;
          return hasBoth && firefoxNow.decodedFrames > 30 ? [firefoxNow, chromiumStats] : null;
        },
        { timeoutMs, description: 'both have media from each other', intervalMs: 250 },
      );
      expect(inFirefox.stats?.uploadedBytes).toBeGreaterThan(0);
      expect(inChromium.uploadedBytes).toBeGreaterThan(0);
      expect(inFirefox.positionSeconds).toBeGreaterThan(0);
      await chromium.untilPlaying(timeoutMs);
    } finally {
      await chromium.close();
      await firefox.close();
    }
  });
});

describe('the examples to copy', () => {
  beforeAll(meetNeighbour);

  it('are all tested here', () => {
    expect([...examples.names].sort()).toEqual([...names].sort());
  });

  it.concurrent.each(names)('%s plays and has media from another viewer', async (name) => {
    const viewer = await newContext();
    try {
      const page = await viewer.newPage();
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(error.message));
      const failures: string[] = [];
      page.on('response', (response) => {
        if (!response.ok()) failures.push(`${response.status()} ${response.url()}`);
      });
      page.on('requestfailed', (request) => {
        failures.push(`${request.failure()?.errorText} ${request.url()}`);
      });
      await page.goto(`${site.url}/examples/${name}.html`);
      await pollUntil(async () => (await deliveredPercent(page)) > 0, {
        timeoutMs,
        description: `${name} has media from peers`,
        intervalMs: 500,
        state: async () => ({ ...(await pictureOf(page)), problems, failures }),
      });
      const before = await positionSeconds(page);
      await pollUntil(async () => (await positionSeconds(page)) > before + 0.5, {
        timeoutMs,
        description: `${name} plays on`,
        intervalMs: 250,
      });
      if (process.env.SCREENSHOT_DIR)
        await page.screenshot({ path: `${process.env.SCREENSHOT_DIR}/${name}.png` });
      expect(problems).toEqual([]);
    } finally {
      // A page that is left open takes the processor from all that follow.
      await viewer.close();
    }
  });
});

/** What somebody would see who looked at the page. */
async function pictureOf(page: Page): Promise<object> {
  const delivery = await page.locator('#delivery').innerText();
  const media = await page.evaluate(() => {
    const video = document.querySelector<HTMLVideoElement>('video, shoal-player');
    if (!video) return null;
    const { currentTime, paused, readyState, networkState, error, buffered } = video;
    const ends = Array.from({ length: buffered?.length ?? 0 }, (_, index) => buffered.end(index));
    return { currentTime, paused, readyState, networkState, error: error?.message, ends };
  });
  return { delivery, ...media };
}

async function deliveredPercent(page: Page): Promise<number> {
  return Number.parseInt(await page.locator('#delivery').innerText(), 10) || 0;
}

/** Of the page's video, wherever the player has put it. */
async function positionSeconds(page: Page): Promise<number> {
  return await page.evaluate(() => {
    const media = document.querySelector<HTMLVideoElement>('video, shoal-player');
    return media?.currentTime ?? 0;
  });
}

interface AskedRequest {
  /** Which setup of the page it went through. */
  readonly by: string | null;
  readonly language: string;
  readonly isRange: boolean;
}

interface PlayersOnPage {
  readonly version: string;
  readonly stats: PlayerStats;
  readonly positionSeconds: number;
  readonly pictureCount: number;
  /** Of sound that was decoded. */
  readonly soundBytes: number;
}

declare global {
  interface Window {
    shoalPlayers: () => PlayersOnPage[];
    destroyFirstPlayer: () => void;
  }
}

const builds = [
  'hls-1.6/hls.mjs',
  'hls-1.6/hls.light.mjs',
  'hls-1.7/hls.mjs',
  'hls-1.7/hls.light.mjs',
];

const lightBuilds = builds.filter((build) => build.includes('light'));

/**
 * Both add to hls.js's requests, whose URLs may have a query already. The players take them by turns, so
 * that there are two of each: who is taken out of the swarm by the guard, as on a busy machine, asks for
 * whole segments.
 */
const requestSetups = `(() => {
  const marked = (url, by) => {
    const asked = new URL(url);
    asked.searchParams.set('by', by);
    return asked.href;
  };
  return [
    {
      xhrSetup: (xhr, url) => {
        xhr.open('GET', marked(url, 'xhr'));
        xhr.setRequestHeader('accept-language', 'tlh');
      },
    },
    {
      fetchSetup: ({ url }, parameters) => {
        parameters.headers.set('accept-language', 'tlh');
        return new Request(marked(url, 'fetch'), parameters);
      },
    },
  ];
})()`;

/** One page with a player for each build, all on the same stream. */
function pageOfBuilds(builds: readonly string[], setups: string): string {
  return `<!doctype html><title>builds</title>
    ${builds.map(() => '<video width="300" muted playsinline></video>').join('')}
    <script type="module">
      import { createShoalHls } from '${stage.services.ingestUrl}/player/shoal-hls.mjs';
      const videos = [...document.querySelectorAll('video')];
      const setups = ${setups};
      const players = await Promise.all(${JSON.stringify(builds)}.map(async (build, index) => {
        const { default: Hls } = await import('/' + build);
        const shoal = { tracker: '${stage.trackerSocketUrl}', telemetry: 'off' };
        const hls = createShoalHls(Hls, { ...setups[index % setups.length], shoal });
        hls.loadSource('${stage.playlistUrl}');
        hls.attachMedia(videos[index]);
        hls.on(Hls.Events.MANIFEST_PARSED, () => videos[index].play());
        return { version: Hls.version, hls };
      }));
      window.shoalPlayers = () => players.map(({ version, hls }, index) => ({
        version, stats: hls.shoal.stats, positionSeconds: videos[index].currentTime,
        pictureCount: videos[index].getVideoPlaybackQuality().totalVideoFrames,
        soundBytes: videos[index].webkitAudioDecodedByteCount,
      }));
      window.destroyFirstPlayer = () => players[0].hls.destroy();
    </script>`;
}

describe('hls.js 1.6 and 1.7, full and light, as four players on one page', () => {
  beforeAll(meetNeighbour);

  it('all have media from peers, and go on when one of them is destroyed', async () => {
    site.setPage('/builds', pageOfBuilds(builds, requestSetups));
    const page = await context.newPage();
    try {
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(error.message));
      const asked: AskedRequest[] = [];
      page.on('request', (request) => {
        const { pathname, searchParams } = new URL(request.url());
        if (!pathname.endsWith('.m4s')) return;
        const { range, 'accept-language': language = '' } = request.headers();
        asked.push({ by: searchParams.get('by'), language, isRange: range !== undefined });
      });
      await page.goto(`${site.url}/builds`);
      await page.waitForFunction(() => window.shoalPlayers !== undefined);
      const players = () => page.evaluate(() => window.shoalPlayers());
      await pollUntil(
        async () =>
          (await players()).every(({ stats }) => stats.peerBytes > 0 && stats.peerCount > 0),
        {
          timeoutMs,
          description: 'every build has media from peers',
          intervalMs: 500,
          state: players,
        },
      );
      // Light builds too, which play no sound that is apart from the pictures.
      await pollUntil(async () => (await players()).every(({ soundBytes }) => soundBytes > 0), {
        timeoutMs,
        description: 'every build is heard',
        intervalMs: 250,
      });
      const versions = (await players()).map(({ version }) => version.slice(0, 3));
      expect(versions).toEqual(['1.6', '1.6', '1.7', '1.7']);
      // What the page tells hls.js to do with requests holds for segments and for ranges of them.
      for (const by of ['xhr', 'fetch']) {
        await pollUntil(() => asked.some((each) => each.by === by && each.isRange), {
          timeoutMs,
          description: `a range is asked for by ${by}`,
        });
      }
      expect(asked.filter(({ language }) => language !== 'tlh')).toEqual([]);
      expect(new Set(asked.map(({ by }) => by))).toEqual(new Set(['xhr', 'fetch']));

      await page.evaluate(() => window.destroyFirstPlayer());
      const [destroyed, ...before] = await players();
      await pollUntil(
        async () =>
          (await players()).slice(1).every(({ stats, positionSeconds }, index) => {
            const past = before[index];
            return (
              past !== undefined &&
              positionSeconds > past.positionSeconds + 1 &&
              stats.peerBytes > past.stats.peerBytes
            );
          }),
        {
          timeoutMs,
          description: 'the other players go on with peers',
          intervalMs: 500,
          state: async () => ({ before, now: await players() }),
        },
      );
      // What is gone neither plays nor counts.
      expect((await players())[0]?.stats.cdnBytes).toBe(destroyed?.stats.cdnBytes);
      expect(problems).toEqual([]);
    } finally {
      await page.close();
    }
  });
});

describe('light builds of hls.js on a page that cannot load what joins the sound', () => {
  beforeAll(meetNeighbour);

  it('play the pictures without sound, exchange them, and say why once', async () => {
    site.setPage('/no-sound', pageOfBuilds(lightBuilds, '[]'));
    const page = await context.newPage();
    const problems: string[] = [];
    const warnings: string[] = [];
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'warning') warnings.push(message.text());
    });
    await page.route('**/shoal-sound.js', (route) => route.fulfill({ status: 404 }));
    await page.goto(`${site.url}/no-sound`);
    await page.waitForFunction(() => window.shoalPlayers !== undefined);
    const players = () => page.evaluate(() => window.shoalPlayers());
    // More pictures than one segment has.
    await pollUntil(
      async () =>
        (await players()).every(
          ({ stats, pictureCount }) => pictureCount > 70 && stats.peerBytes > 0,
        ),
      { timeoutMs, description: 'every build plays and has media from peers', intervalMs: 250 },
    );
    expect((await players()).map(({ soundBytes }) => soundBytes)).toEqual([0, 0]);
    expect(warnings).toHaveLength(lightBuilds.length);
    for (const warning of warnings) expect(warning).toContain('Shoal: there is no sound');
    expect(problems).toEqual([]);
    await page.close();
  });
});

describe('light builds of hls.js in Firefox', () => {
  beforeAll(meetNeighbour);

  it('play pictures and sound, and have media from another viewer', async () => {
    site.setPage('/light', pageOfBuilds(lightBuilds, '[]'));
    const firefox = await launchFirefox();
    try {
      const page = await firefox.newPage();
      const problems: string[] = [];
      page.on('pageerror', (error) => problems.push(String(error)));
      await page.goto(`${site.url}/light`);
      await page.waitForFunction(() => window.shoalPlayers !== undefined);
      await pollUntil(
        async () =>
          (await page.evaluate(() => window.shoalPlayers())).every(
            ({ stats, pictureCount }) => pictureCount > 70 && stats.peerBytes > 0,
          ),
        { timeoutMs, description: 'both builds play and have media from peers', intervalMs: 250 },
      );
      // Firefox does not count the bytes of sound that it decodes, but says whether there is any.
      const hasSound = await page.evaluate(() =>
        [...document.querySelectorAll('video')].map((video) => Reflect.get(video, 'mozHasAudio')),
      );
      expect(hasSound).toEqual([true, true]);
      expect(problems).toEqual([]);
    } finally {
      await firefox.close();
    }
  });
});

describe('a player that is destroyed', () => {
  beforeAll(meetNeighbour);

  it('leaves no connection, socket or timer behind, and no memory after twenty', async () => {
    site.setPage(
      '/cycles',
      pageOfCycles({
        hlsUrl: '/hls-1.7/hls.mjs',
        plugin: {
          url: `${stage.services.ingestUrl}/player/shoal-hls.mjs`,
          trackerUrl: stage.trackerSocketUrl,
        },
        playlistUrl: stage.playlistUrl,
        playedMs: 0,
      }),
    );
    const cycles = await PlayerCycles.open(context, `${site.url}/cycles`);
    // What is loaded late and compiled once counts for the page, not for its players.
    await cycles.play(6);
    const before = await cycles.holdings();
    await cycles.play(20);
    const after = await cycles.holdings();
    expect(after).toMatchObject({ peerConnections: 0, webSockets: 0, timers: 0 });
    expect(after.mediaElements).toBeLessThanOrEqual(before.mediaElements);
    expect(after.heapBytes - before.heapBytes).toBeLessThan(1_500_000);
    expect(cycles.pageErrors).toEqual([]);
    await cycles.page.close();
  });
});
