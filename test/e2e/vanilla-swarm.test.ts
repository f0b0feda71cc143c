// Pages with p2p-media-loader's own plugin meet in Shoal's tracker, play Shoal's streams and
// exchange segments: the tracker speaks the protocol unchanged, the playlists are plain HLS.

import { createServer, type Server } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { SyntheticBroadcaster } from '../../infra/demo/broadcaster.ts';
import { launchChromium } from '../support/chromium.ts';
import { pollUntil } from '../support/poll-until.ts';
import { Services } from '../support/service-processes.ts';

const stream = 'vanilla';
const key = 'end-to-end-key';

let services: Services;
let broadcaster: SyntheticBroadcaster;
let browser: Browser;
let site: Server;
let pageUrl: string;

/** The page's script with its libraries, as a site's own bundler would make it. */
async function bundlePage(): Promise<string> {
  const output = await build({
    configFile: false,
    logLevel: 'error',
    define: {
      'process.env.NODE_ENV': '"production"',
      'process.browser': 'true',
      global: 'globalThis',
    },
    build: {
      write: false,
      lib: {
        entry: fileURLToPath(new URL('../support/vanilla-page.ts', import.meta.url)),
        formats: ['iife'],
        name: 'page',
      },
    },
  });
  const [first] = [output].flat();
  const chunk = first && 'output' in first ? first.output[0] : undefined;
  if (!chunk) throw new Error('the page was not built');
  return chunk.code;
}

async function serve(script: string): Promise<void> {
  site = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(
      isScript
        ? script
        : '<!doctype html><video muted playsinline></video><script src="/page.js"></script>',
    );
  });
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  const address = site.address();
  if (address === null || typeof address === 'string') throw new Error('the site has no port');
  const query = new URLSearchParams({
    playlist: `${services.ingestUrl}/live/${stream}/index.m3u8`,
    tracker: services.trackerUrl.replace('http', 'ws'),
  });
  pageUrl = `http://127.0.0.1:${address.port}/?${query}`;
}

async function openPage(): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(pageUrl);
  return page;
}

async function listedSegmentCount(): Promise<number> {
  const response = await fetch(`${services.ingestUrl}/live/${stream}/240p/index.m3u8`);
  return response.ok ? ((await response.text()).match(/#EXTINF/g)?.length ?? 0) : 0;
}

beforeAll(async () => {
  services = await Services.start({ streamKeys: `${stream}:${key}`, ladder: '240p' });
  broadcaster = await SyntheticBroadcaster.start({
    whipUrl: `${services.ingestUrl}/whip/${stream}`,
    key,
    ffmpegPath: 'ffmpeg',
    widthPx: 426,
    heightPx: 240,
  });
  // A page that joins earlier starts at the edge instead of four segments behind it, stays there,
  // and has no time left in which a peer could deliver.
  await pollUntil(async () => (await listedSegmentCount()) >= 6, {
    timeoutMs: 60_000,
    description: 'six segments are listed',
    intervalMs: 250,
  });
  await serve(await bundlePage());
  browser = await launchChromium();
});

afterAll(async () => {
  await browser?.close();
  site?.close();
  await broadcaster?.close('test ended');
  await services?.stop();
});

describe('pages with p2p-media-loader’s own plugin', () => {
  it('meet in our tracker and exchange segments of our stream', async () => {
    const pages = [await openPage(), await openPage()];
    await pollUntil(
      async () => {
        const counters = await Promise.all(
          pages.map((page) => page.evaluate(() => window.vanilla)),
        );
        return (
          counters.every(({ peers }) => peers > 0) &&
          counters.some(({ peerBytes }) => peerBytes > 0)
        );
      },
      {
        timeoutMs: 90_000,
        description: 'the pages are connected and one has got bytes',
        intervalMs: 500,
      },
    );
    for (const page of pages) {
      await pollUntil(
        () => page.evaluate(() => (document.querySelector('video')?.currentTime ?? 0) > 0),
        {
          timeoutMs: 30_000,
          description: 'the page plays',
          intervalMs: 250,
        },
      );
    }
  });
});
