// What hls.js gets from the loader while a segment arrives and when it is there: chunks, statistics,
// and nothing after an abort. player/delivery/hls/fragment-loader.ts.

import type {
  FragmentLoaderContext,
  HlsConfig,
  LoaderCallbacks,
  LoaderConfiguration,
} from 'hls.js';
import { beforeEach, expect, it } from 'vitest';
import type { DeliveredSegment } from '../../../player/delivery/delivery-events.ts';
import { makeFragmentLoader } from '../../../player/delivery/hls/fragment-loader.ts';
import type { OnArriving } from '../../../player/delivery/segment-progress.ts';

const kib = 1024;
const bytes = new Uint8Array(300 * kib).map((_value, index) => index % 251);
const transfer = { startedAtMs: 100, firstByteAtMs: 150, finishedAtMs: 450 };
const estimate = { throughputBps: 5_000_000, firstByteMs: 40 };

let arrive: OnArriving;
let deliver: (delivered: DeliveredSegment) => void;
let chunks: Uint8Array[];
let outcomes: string[];
let successBytes: number | null;

const Loader = makeFragmentLoader({
  load: (_context, _signal, onArriving) => {
    if (onArriving) arrive = onArriving;
    return new Promise((resolve) => {
      deliver = resolve;
    });
  },
  networkEstimate: () => estimate,
});

beforeEach(() => {
  chunks = [];
  outcomes = [];
  successBytes = null;
});

function load(isProgressive: boolean) {
  const callbacks: LoaderCallbacks<FragmentLoaderContext> = {
    onSuccess: ({ data }) => {
      outcomes.push('success');
      successBytes = data instanceof ArrayBuffer ? data.byteLength : null;
    },
    onError: () => outcomes.push('error'),
    onTimeout: () => outcomes.push('timeout'),
    onAbort: () => outcomes.push('abort'),
  };
  if (isProgressive)
    callbacks.onProgress = (_stats, _context, data) => {
      if (data instanceof ArrayBuffer) chunks.push(new Uint8Array(data));
    };
  const loader = new Loader({} as HlsConfig);
  const context = { url: 'https://cdn.example/1.m4s' } as FragmentLoaderContext;
  loader.load(context, { loadPolicy: { maxLoadTimeMs: 20_000 } } as LoaderConfiguration, callbacks);
  return loader;
}

function arriving(sizeKib: number, isAlone = true): Parameters<OnArriving>[0] {
  return {
    startBytes: sizeKib * kib,
    read: (fromBytes) => bytes.slice(fromBytes, sizeKib * kib),
    sizeBytes: bytes.length,
    transfer: isAlone ? transfer : null,
  };
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

it('feeds a progressive load in order, in chunks that are worth it, and gives nothing at the end', async () => {
  load(true);
  for (const sizeKib of [16, 112, 144, 160, 288]) arrive(arriving(sizeKib));
  expect(chunks.map(({ length }) => length)).toEqual([144 * kib, 144 * kib]);
  deliver({ bytes: bytes.slice().buffer, source: 'peer', transfer: null });
  await settled();
  expect(Buffer.concat(chunks).equals(Buffer.from(bytes))).toBe(true);
  expect(outcomes).toEqual(['success']);
  expect(successBytes).toBe(0);
});

it('gives everything at the end to a load that is not progressive', async () => {
  load(false);
  arrive(arriving(288));
  deliver({ bytes: bytes.slice().buffer, source: 'cdn', transfer });
  await settled();
  expect(chunks).toEqual([]);
  expect(successBytes).toBe(bytes.length);
});

it('shows hls.js a transfer from the CDN while it goes on, so that it may give it up', () => {
  const { stats } = load(false);
  arrive(arriving(64));
  expect(stats.loading.start).toBe(100);
  expect(stats.loading.first).toBe(150);
  expect([stats.loaded, stats.total]).toEqual([64 * kib, bytes.length]);
});

it('shows hls.js nothing while neighbours may deliver, and afterwards what it believed before', async () => {
  const { stats } = load(false);
  arrive(arriving(64, false));
  expect(stats.loaded).toBe(0);
  // As long as it waits, it has only just begun.
  expect(performance.now() - stats.loading.start).toBeLessThan(5);
  deliver({ bytes: bytes.slice().buffer, source: 'peer', transfer: null });
  await settled();
  const transferMs = stats.loading.end - stats.loading.first;
  expect((bytes.length * 8_000) / transferMs).toBeCloseTo(estimate.throughputBps, -2);
  expect(stats.loading.first - stats.loading.start).toBeCloseTo(estimate.firstByteMs, 3);
});

it('says nothing more after an abort', async () => {
  const loader = load(true);
  arrive(arriving(144));
  loader.abort();
  arrive(arriving(288));
  deliver({ bytes: bytes.slice().buffer, source: 'cdn', transfer });
  await settled();
  expect(chunks).toHaveLength(1);
  expect(outcomes).toEqual(['abort']);
});
