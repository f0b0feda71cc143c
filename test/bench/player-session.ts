// One session of the player benchmark: a fresh Chromium opens a page with hls.js, alone or with the plugin,
// plays for a while, and is asked what that took.

import { readFile } from 'node:fs/promises';
import type { CDPSession } from 'playwright-core';
import { launchChromium } from '../support/chromium.ts';
import type { HlsSite } from '../support/hls-site.ts';
import type { LiveStage } from '../support/live-stage.ts';

export type PlayerKind = 'plain' | 'shoal';

export interface SessionFigures {
  readonly firstFrameMs: number;
  readonly stallCount: number;
  /** Of the whole session, and of its first {@link startMs}. */
  readonly mainThreadMsPerSecond: number;
  readonly mainThreadMsPerSecondAtStart: number;
  readonly memoryBytes: number;
  readonly peerShare: number;
}

/** After the first frame. The start costs most: code is compiled, viewers meet. */
export const startMs = 10_000;
export const playedMs = 30_000;
const afterSegmentMs = 500;
/** Of both players, to ingest and tracker; not of the data channels. */
const line = {
  offline: false,
  latency: 20,
  downloadThroughput: 25_000_000 / 8,
  uploadThroughput: 25_000_000 / 8,
} as const;

declare global {
  interface Window {
    /** Resolves with the time to the first frame, in ms. */
    playForBench: () => Promise<number>;
    figuresForBench: () => { readonly stallCount: number; readonly peerShare: number };
  }
}

/** Both pages load the same scripts, so that only their work differs. */
function pageOf(kind: PlayerKind, stage: LiveStage): string {
  const made =
    kind === 'plain'
      ? 'new Hls()'
      : `createShoalHls(Hls, { shoal: { tracker: '${stage.trackerSocketUrl}' } })`;
  return `<!doctype html><title>${kind}</title><video width="854" muted playsinline></video>
    <script type="module">
      import Hls from '/hls/hls.min.mjs';
      import { createShoalHls } from '/player/shoal-hls.mjs';
      const video = document.querySelector('video');
      window.playForBench = async () => {
        const startedAt = performance.now();
        const hls = ${made};
        let stallCount = 0;
        window.figuresForBench = () => ({ stallCount, peerShare: hls.shoal?.stats.offloadRatio ?? 0 });
        const firstFrame = new Promise((resolve) =>
          video.requestVideoFrameCallback(() => resolve(performance.now() - startedAt)));
        hls.on(Hls.Events.MANIFEST_PARSED, () => video.play());
        hls.loadSource('${stage.playlistUrl}');
        hls.attachMedia(video);
        const firstFrameMs = await firstFrame;
        video.addEventListener('waiting', () => { stallCount += 1; });
        return firstFrameMs;
      };
    </script>`;
}

async function mainThreadMs(session: CDPSession): Promise<number> {
  const { metrics } = await session.send('Performance.getMetrics');
  return 1e3 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN);
}

/** Proportional set size of a process: its own memory and its share of what several have. */
async function memoryOf(processId: number): Promise<number> {
  const rollup = await readFile(`/proc/${processId}/smaps_rollup`, 'utf8');
  return Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? Number.NaN) * 1024;
}

export async function playSession(
  kind: PlayerKind,
  site: HlsSite,
  stage: LiveStage,
): Promise<SessionFigures> {
  const browser = await launchChromium();
  try {
    site.setPage(`/${kind}`, pageOf(kind, stage));
    const page = await browser.newPage();
    await page.goto(`${site.url}/${kind}`);
    await page.waitForFunction(() => window.playForBench !== undefined);
    const session = await page.context().newCDPSession(page);
    await session.send('Network.enable');
    await session.send('Network.emulateNetworkConditions', line);
    await session.send('Performance.enable', { timeDomain: 'threadTicks' });
    // The browser has come to rest, and every session meets ingest at the same point of its work.
    await stage.untilNextSegment();
    await stage.untilNextSegment();
    await new Promise((resolve) => setTimeout(resolve, afterSegmentMs));
    const beforeMs = await mainThreadMs(session);
    const firstFrameMs = await page.evaluate(() => window.playForBench());
    await new Promise((resolve) => setTimeout(resolve, startMs));
    const startedMs = (await mainThreadMs(session)) - beforeMs;
    await new Promise((resolve) => setTimeout(resolve, playedMs - startMs));
    const wholeMs = (await mainThreadMs(session)) - beforeMs;
    const figures = await page.evaluate(() => window.figuresForBench());
    const wholeBrowser = await browser.newBrowserCDPSession();
    const { processInfo } = await wholeBrowser.send('SystemInfo.getProcessInfo');
    const memory = await Promise.all(processInfo.map(({ id }) => memoryOf(id)));
    return {
      ...figures,
      firstFrameMs,
      mainThreadMsPerSecond: (wholeMs * 1e3) / (playedMs + firstFrameMs),
      mainThreadMsPerSecondAtStart: (startedMs * 1e3) / (startMs + firstFrameMs),
      memoryBytes: memory.reduce((sum, bytes) => sum + bytes, 0),
    };
  } finally {
    await browser.close();
  }
}
