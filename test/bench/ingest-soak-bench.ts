// npm run bench soak: one publisher for ten minutes (`-- --case 3min` for less), and whether memory,
// latency and the distance of sound and picture stay what they were.

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { serialize } from 'node:v8';
import { freePort } from '../../infra/local/free-port.ts';
import { makeFrames } from '../support/frame-source.ts';
import { ServiceProcess } from '../support/service-processes.ts';
import type { BenchReport } from './bench-report.ts';
import { type Listing, ListingWatch } from './listing-watch.ts';
import { LoadWatch } from './load-watch.ts';
import { residentBytes } from './process-cpu.ts';
import { ReplayingPublishers } from './replaying-publishers.ts';

const run = promisify(execFile);
const key = 'key-of-the-bench';
const defaultMinutes = 10;
/** The second minute and the last one have to be two. */
const leastMinutes = 3;
const clipSeconds = 20;
const rendition = '480p';
/** Once a second a white picture and a tone, for 0.2 s. */
const flash = `color=black:size=854x480:rate=30:duration=${clipSeconds},drawbox=color=white:t=fill:enable='lt(mod(t,1),0.2)'`;
const beep = `sine=frequency=1000:sample_rate=48000:duration=${clipSeconds},volume='lt(mod(t,1),0.2)':eval=frame`;

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** A segment behind its init section, in a file; those of a number have one name in all renditions. */
async function download(url: string, listing: Listing, file: string): Promise<string> {
  const bytes = await Promise.all(
    [listing.map.split(' ')[0] ?? '', listing.uri].map(async (uri) =>
      Buffer.from(await (await fetch(new URL(uri, url))).arrayBuffer()),
    ),
  );
  await writeFile(file, Buffer.concat(bytes));
  return file;
}

/** By how much each tone of a segment comes later than its picture, in milliseconds. */
async function soundOffsetsMs(url: string, listing: Listing, directory: string): Promise<number[]> {
  const soundUrl = url.replace(`/${rendition}/`, '/audio/');
  const pictures = await download(url, listing, path.join(directory, 'pictures.mp4'));
  const sound = await download(soundUrl, listing, path.join(directory, 'sound.mp4'));
  const filters = ['-vf', 'blackdetect=d=0.1:pix_th=0.5', '-af', 'silencedetect=n=-30dB:d=0.1'];
  const { stderr } = await run('ffmpeg', [
    '-hide_banner',
    '-copyts',
    ...['-i', pictures, '-i', sound],
    ...filters,
    '-f',
    'null',
    '-',
  ]);
  const timesOf = (pattern: RegExp): number[] =>
    [...stderr.matchAll(pattern)].map((match) => Number(match[1]));
  const tones = timesOf(/silence_end: ([\d.]+)/g);
  return timesOf(/black_end:([\d.]+)/g).flatMap((pictureSeconds) => {
    const near = tones.filter((seconds) => Math.abs(seconds - pictureSeconds) < 0.5);
    return near.map((seconds) => (seconds - pictureSeconds) * 1_000);
  });
}

/** JavaScript objects in use, and buffers: of those the disk store's cache is most, up to 64 MiB. */
async function heapBytes(origin: string): Promise<{ heapBytes: number; bufferBytes: number }> {
  const text = await (await fetch(`${origin}/metrics`)).text();
  const metricOf = (name: string): number =>
    Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1] ?? Number.NaN);
  return {
    heapBytes: metricOf('nodejs_heap_size_used_bytes'),
    bufferBytes: metricOf('nodejs_external_memory_bytes'),
  };
}

interface Sample {
  readonly atMs: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
  readonly bufferBytes: number;
  readonly soundOffsetMs: number;
}

function minutesOf(caseNames: readonly string[]): number {
  const match = /^(\d+)min$/.exec(caseNames[0] ?? '');
  return match === null ? defaultMinutes : Math.max(leastMinutes, Number(match[1]));
}

export async function benchSoak(caseNames: readonly string[]): Promise<BenchReport> {
  const minutes = minutesOf(caseNames);
  const directory = await mkdtemp(path.join(tmpdir(), 'shoal-soak-'));
  const port = await freePort();
  const frames = await makeFrames({
    ...{ widthPx: 854, heightPx: 480, frameRate: 30, durationSeconds: clipSeconds, startTimeMs: 0 },
    ...{ gopSeconds: 2, videoInput: flash, audioInput: beep },
  });
  await writeFile(path.join(directory, 'frames'), serialize(frames));
  const service = await ServiceProcess.start('ingest/main.ts', {
    SHOAL_INGEST_PORT: String(port),
    SHOAL_STREAM_KEYS: `soak:${key}`,
    SHOAL_LADDER: `${rendition},360p`,
    SHOAL_DATA_DIR: path.join(directory, 'data'),
  });
  const publishers = new ReplayingPublishers({
    ...{ framesPath: path.join(directory, 'frames'), key, loopMs: clipSeconds * 1_000 },
    ...{ whipUrls: [`http://127.0.0.1:${port}/whip/soak`], staggerMs: 0 },
  });
  const url = `http://127.0.0.1:${port}/live/soak/${rendition}/index.m3u8`;
  const watch = new ListingWatch(url);
  const load = LoadWatch.start();
  const samples: Sample[] = [];
  const endMs = Date.now() + minutes * 60_000;
  while (Date.now() < endMs) {
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    const last = watch.listings.at(-1);
    if (last === undefined) continue;
    const offsets = await soundOffsetsMs(url, last, directory);
    samples.push({
      atMs: Date.now(),
      residentBytes: residentBytes(service.pid),
      ...(await heapBytes(`http://127.0.0.1:${port}`)),
      soundOffsetMs: offsets.length === 0 ? Number.NaN : mean(offsets),
    });
  }
  const { isStarved } = load.stop();
  await watch.stop();
  await publishers.stop();
  await service.stop();
  await rm(directory, { recursive: true, force: true });
  return report(minutes, samples, watch.listings, isStarved);
}

function report(
  minutes: number,
  samples: readonly Sample[],
  listings: readonly Listing[],
  isStarved: boolean,
): BenchReport {
  // The second minute against the last one: the first is that of starting.
  const [startMs, endMs] = [samples[0]?.atMs ?? 0, samples.at(-1)?.atMs ?? 0];
  const early = (atMs: number): boolean => atMs >= startMs + 60_000 && atMs < startMs + 120_000;
  const late = (atMs: number): boolean => atMs >= endMs - 60_000;
  const delays = (isIn: (atMs: number) => boolean): number =>
    mean(
      listings
        .filter(({ listedAtMs }) => isIn(listedAtMs))
        .map((item) => item.listedAtMs - item.endMs),
    );
  const within = (isIn: (atMs: number) => boolean, of: (sample: Sample) => number): number[] =>
    samples.filter(({ atMs }) => isIn(atMs)).map((sample) => of(sample) / 1e6);
  const memory = (isIn: (atMs: number) => boolean): number =>
    mean(within(isIn, (sample) => sample.residentBytes));
  const heap = (isIn: (atMs: number) => boolean): number =>
    Math.min(...within(isIn, (sample) => sample.heapBytes));
  const buffers = (isIn: (atMs: number) => boolean): number =>
    mean(within(isIn, (sample) => sample.bufferBytes));
  const offsets = samples.map(({ soundOffsetMs }) => soundOffsetMs).filter(Number.isFinite);
  const gaps = listings.filter(({ sequenceNumber }, index) => {
    const before = listings[index - 1];
    return before !== undefined && sequenceNumber !== before.sequenceNumber + 1;
  });
  const row = (what: string, second: string, last: string, goal: string) => ({
    ...{ what, 'second minute': second, 'last minute': last, goal },
  });
  return {
    name: 'soak',
    title: `${minutes} minutes of one publisher`,
    method:
      `480p30 with a flash and a tone each second over a real WHIP session, ladder 480p and 360p. Every 5 s the newest segment is decoded: the sound's offset is where its tones begin less where its flashes do. ${isStarved ? 'The machine was busy.' : ''}`.trim(),
    rows: [
      row(
        'JavaScript heap of ingest after a collection, least of the minute',
        `${heap(early).toFixed(1)} MB`,
        `${heap(late).toFixed(1)} MB`,
        'flat',
      ),
      row(
        'buffers of ingest, most of them its cache of 64 MiB',
        `${buffers(early).toFixed(1)} MB`,
        `${buffers(late).toFixed(1)} MB`,
        'within the cache',
      ),
      row(
        'resident memory of ingest',
        `${memory(early).toFixed(0)} MB`,
        `${memory(late).toFixed(0)} MB`,
        'flat once the cache is full',
      ),
      row(
        'last frame of a segment → listed, mean',
        `${delays(early).toFixed(0)} ms`,
        `${delays(late).toFixed(0)} ms`,
        'no drift',
      ),
      row(
        'sound after picture, smallest … largest of all segments',
        `${Math.min(...offsets).toFixed(0)} ms`,
        `${Math.max(...offsets).toFixed(0)} ms`,
        'within 40 ms',
      ),
      row('segments listed / missing', `${listings.length}`, `${gaps.length}`, '0 missing'),
    ],
  };
}
