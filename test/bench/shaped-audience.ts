// The two kinds of viewers that the Chromium benchmark sets side by side, each with its uplink: pages
// in shaped network namespaces, and headless viewers behind a token bucket.

import type { Tracker } from '@shoal/tracker';
import type { Browser } from 'playwright-core';
import { HeadlessViewer } from '../../infra/demo/headless-viewer.ts';
import { launchChromium } from '../support/chromium.ts';
import { DeliveryViewer } from '../support/delivery-viewer.ts';
import type { PageSite } from '../support/page-site.ts';
import type { RecordedLiveOrigin } from '../support/recorded-live-origin.ts';
import { ShapedNamespaces } from './shaped-namespaces.ts';

export interface AudienceOptions {
  readonly origin: RecordedLiveOrigin;
  readonly tracker: Tracker;
  readonly viewerCount: number;
  /** `null` for no limit. */
  readonly uplinkBps: number | null;
}

/** What a viewer says of itself since it began. */
export interface ViewerCounters {
  readonly peerBytes: number;
  readonly cdnBytes: number;
  readonly discardedBytes: number;
  readonly peerCount: number;
  readonly stallCount: number;
  readonly fetchedBytes: Readonly<Record<string, number>>;
  /** Segments that it has, and when they were complete. */
  readonly loaded: readonly { readonly number: number; readonly atMs: number }[];
}

export interface Audience {
  counters(): Promise<readonly ViewerCounters[]>;
  close(): Promise<void>;
}

export async function headlessAudience(options: AudienceOptions): Promise<Audience> {
  const { origin, tracker, viewerCount, uplinkBps } = options;
  const viewers = Array.from({ length: viewerCount }, () => {
    const fetchedBytes: Record<string, number> = {};
    const loaded: { number: number; atMs: number }[] = [];
    const viewer = HeadlessViewer.start({
      playlistUrl: origin.playlistUrl,
      trackerUrl: `ws://127.0.0.1:${portOf(tracker)}`,
      telemetry: false,
      onFetch: (reason, sizeBytes) => {
        fetchedBytes[reason] = (fetchedBytes[reason] ?? 0) + sizeBytes;
      },
      onSegment: ({ mediaSequenceNumber: number }) => loaded.push({ number, atMs: Date.now() }),
      ...(uplinkBps === null ? {} : { uplinkBps }),
    });
    return { viewer, fetchedBytes, loaded };
  });
  return {
    counters: async () =>
      viewers.map(({ viewer, fetchedBytes, loaded }) => ({
        ...viewer.stats,
        fetchedBytes: { ...fetchedBytes },
        loaded: [...loaded],
      })),
    close: async () => {
      for (const { viewer } of viewers) await viewer.close();
    },
  };
}

export async function chromiumAudience(
  options: AudienceOptions,
  site: PageSite,
): Promise<Audience> {
  const homes = await ShapedNamespaces.create();
  const browsers: Browser[] = [];
  const viewers: DeliveryViewer[] = [];
  const close = async (): Promise<void> => {
    for (const browser of browsers) await browser.close();
    await homes.close();
  };
  try {
    // All before the first page: on one machine each start of a browser starves those that play.
    for (let index = 0; index < options.viewerCount; index += 1)
      browsers.push(await launchAtHome(homes, options.uplinkBps, site));
    for (const browser of browsers) viewers.push(await openPage(browser, homes, options, site));
  } catch (error) {
    // Namespaces would stay behind on the machine.
    await close();
    throw error;
  }
  return {
    counters: async () => await Promise.all(viewers.map((viewer) => countersOf(viewer))),
    close,
  };
}

async function launchAtHome(
  homes: ShapedNamespaces,
  uplinkBps: number | null,
  site: PageSite,
): Promise<Browser> {
  const pageOrigin = new URL(site.url({}, homes.hostAddress)).origin;
  return await launchChromium({
    program: await homes.add(uplinkBps),
    // As on a site with TLS: WebCrypto checks the pieces.
    arguments: [`--unsafely-treat-insecure-origin-as-secure=${pageOrigin}`],
  });
}

async function openPage(
  browser: Browser,
  { hostAddress }: ShapedNamespaces,
  { origin, tracker }: AudienceOptions,
  site: PageSite,
): Promise<DeliveryViewer> {
  return await DeliveryViewer.open(browser, site, {
    host: hostAddress,
    playlistUrl: origin.playlistUrlAt(hostAddress),
    trackerUrl: `ws://${hostAddress}:${portOf(tracker)}`,
  });
}

async function countersOf(viewer: DeliveryViewer): Promise<ViewerCounters> {
  const { stats, stallCount, fetchedBytes, fragments } = await viewer.report();
  return {
    peerBytes: stats?.peerBytes ?? 0,
    cdnBytes: stats?.cdnBytes ?? 0,
    discardedBytes: stats?.discardedBytes ?? 0,
    peerCount: stats?.peerCount ?? 0,
    stallCount,
    fetchedBytes,
    loaded: fragments.map(({ number, loadedAtMs }) => ({ number, atMs: loadedAtMs })),
  };
}

function portOf(tracker: Tracker): number {
  return Number(new URL(tracker.webSocketUrl).port);
}
