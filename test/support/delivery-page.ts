// A page with one hls.js, plain or through Shoal, that says what happened in it. Runs in the browser;
// the delivery tests and the start-up benchmark bundle it and choose by the query.

import Hls, { type ErrorData, type Fragment, type HlsConfig } from 'hls.js';
import LightHls from 'hls.js/light';
import OldHls from 'hls.js-1.6';
import OldLightHls from 'hls.js-1.6/light';
import { createShoalHls, type ExchangeKind } from '../../player/plugin.ts';
import { HlsSession } from '../../player/shoal-session.ts';
import type { PlayerStats } from '../../player/stats.ts';
import { countStarving } from './starved-count.ts';

export type HlsBuild = 'full' | 'light' | '1.6' | '1.6-light' | 'plain';

export interface LoadedFragment {
  readonly type: string;
  readonly url: string;
  readonly number: number;
  readonly chunkCount: number;
  readonly estimateBps: number;
  /** When the last byte was there, since the epoch. */
  readonly loadedAtMs: number;
}

export interface DeliveryPage {
  readonly hls: Hls;
  readonly video: HTMLVideoElement;
  /** From `loadSource` to the first `playing`. */
  startupMs: number | null;
  stallCount: number;
  readonly errors: { readonly details: string; readonly isFatal: boolean }[];
  /** Errors and rejections that nobody has handled. */
  readonly unhandled: string[];
  readonly fragments: LoadedFragment[];
  stats(): PlayerStats | null;
  /** Bytes from the CDN by the reason why they were fetched there. */
  fetchedBytes(): Readonly<Record<string, number>>;
}

declare global {
  interface Window {
    delivery: DeliveryPage;
  }
}

const builds: Readonly<Record<HlsBuild, typeof Hls>> = {
  full: Hls,
  light: LightHls,
  // The types of two versions are two worlds; what they have in common is used here.
  '1.6': OldHls as unknown as typeof Hls,
  '1.6-light': OldLightHls as unknown as typeof Hls,
  plain: Hls,
};

function makeHls(parameters: URLSearchParams): Hls {
  const build = (parameters.get('build') ?? 'full') as HlsBuild;
  const config = JSON.parse(parameters.get('config') ?? '{}') as Partial<HlsConfig>;
  if (build === 'plain') return new Hls(config);
  return createShoalHls(builds[build], {
    ...config,
    shoal: {
      tracker: parameters.get('tracker') ?? undefined,
      exchange: (parameters.get('exchange') ?? 'shoal') as ExchangeKind,
      telemetry: 'off',
    },
  });
}

function sessionOf(hls: Hls): HlsSession | null {
  return 'shoal' in hls && hls.shoal instanceof HlsSession ? hls.shoal : null;
}

function follow(hls: Hls, video: HTMLVideoElement): DeliveryPage {
  const page: DeliveryPage = {
    hls,
    video,
    startupMs: null,
    stallCount: 0,
    errors: [],
    unhandled: [],
    fragments: [],
    stats: () => sessionOf(hls)?.stats ?? null,
    fetchedBytes: () => sessionOf(hls)?.fetchedBytes ?? {},
  };
  const note = (frag: Fragment): void => {
    page.fragments.push({
      type: frag.type,
      url: frag.url,
      number: Number(frag.sn),
      chunkCount: frag.stats.chunkCount,
      estimateBps: hls.bandwidthEstimate,
      loadedAtMs: performance.timeOrigin + frag.stats.loading.end,
    });
  };
  hls.on(Hls.Events.FRAG_BUFFERED, (_event, { frag }) => note(frag));
  hls.on(Hls.Events.ERROR, (_event, { details, fatal }: ErrorData) => {
    page.errors.push({ details, isFatal: fatal });
  });
  const startedAtMs = performance.now();
  video.addEventListener('playing', () => {
    page.startupMs ??= performance.now() - startedAtMs;
    countStarving(video);
  });
  video.addEventListener('waiting', () => {
    if (page.startupMs !== null && !video.seeking) page.stallCount += 1;
  });
  window.addEventListener('error', ({ message }) => page.unhandled.push(message));
  window.addEventListener('unhandledrejection', ({ reason }) =>
    page.unhandled.push(String(reason)),
  );
  return page;
}

const parameters = new URLSearchParams(location.search);
const video = document.querySelector('video');
if (video) {
  const hls = makeHls(parameters);
  window.delivery = follow(hls, video);
  hls.attachMedia(video);
  hls.on(Hls.Events.MANIFEST_PARSED, () => {
    // Destroying hls.js while it starts is the test's doing, not a fault.
    video.play().catch(() => undefined);
  });
  hls.loadSource(parameters.get('playlist') ?? '');
}
