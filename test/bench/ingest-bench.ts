// npm run bench ingest: what ingest costs beside plain ffmpeg, and how soon viewers get what a
// publisher sends. One run, one machine: ingest is a process of its own, publishers another one.

import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { serialize } from 'node:v8';
import { freePort } from '../../infra/local/free-port.ts';
import type { EncodedFrame } from '../../ingest/rtp/encoded-frame.ts';
import { MatroskaWriter } from '../../ingest/transcode/matroska-writer.ts';
import { makeFrames } from '../support/frame-source.ts';
import { pollUntil } from '../support/poll-until.ts';
import { ServiceProcess } from '../support/service-processes.ts';
import type { BenchReport } from './bench-report.ts';
import { type Listing, ListingWatch } from './listing-watch.ts';
import { LoadWatch } from './load-watch.ts';
import { ownCpuSeconds, treeCpuSeconds } from './process-cpu.ts';
import { ReplayingPublishers } from './replaying-publishers.ts';

const clip = { widthPx: 1280, heightPx: 720, frameRate: 30, durationSeconds: 20, startTimeMs: 0 };
const ladder = { '1280x720': 2_500, '854x480': 1_200, '640x360': 700 } as const;
const gopSeconds = 2;
const key = 'key-of-the-bench';
const sessions = 12;
const measuredMs = 20_000;
/** Before it encoders start, and congestion control and caches settle. */
const settleMs = 6_000;

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The clip as a Matroska file, frame by frame what the publishers send. */
function matroskaOf(frames: readonly EncodedFrame[]): Uint8Array {
  const first = frames.find((frame) => frame.kind === 'video' && frame.configuration !== null);
  if (first?.kind !== 'video' || first.configuration === null) throw new Error('no keyframe');
  const video = { codec: first.codec, frameRate: clip.frameRate, ...first.configuration };
  const writer = new MatroskaWriter({ video, hasAudio: true });
  const blocks = frames.map((frame) =>
    writer.block({
      track: frame.kind,
      timeMs: frame.captureTimeMs,
      isKeyframe: frame.kind === 'audio' || frame.isKeyframe,
      payload: frame.payload,
    }),
  );
  return Buffer.concat([writer.header(), ...blocks]);
}

const hls = ['-f', 'hls', '-hls_time', '2', '-hls_segment_type', 'fmp4'];
/** One rendition of sound for all, as ingest makes it. */
const sound = [
  ...['-map', '0:a', '-c:a', 'aac', '-b:a', '128k', '-ac', '2', ...hls],
  ...['-hls_fmp4_init_filename', 'init-sound.mp4', 'sound.m3u8'],
];

/** The ladder as somebody would write it by hand, into HLS on the disk. */
function ladderArguments(): string[] {
  const sizes = Object.entries(ladder);
  const graph = [
    `[0:v]split=${sizes.length}${sizes.map((_, index) => `[s${index}]`).join('')}`,
    ...sizes.map(([size], index) => `[s${index}]scale=${size.replace('x', ':')}[v${index}]`),
  ];
  const encoder = ['-c:v', 'libx264', '-preset', 'veryfast', '-tune', 'zerolatency'];
  const keys = ['-force_key_frames', 'expr:gte(t,n_forced*2)', '-sc_threshold', '0'];
  return [
    ...['-filter_complex', graph.join(';')],
    ...sizes.flatMap(([, kilobits], index) => [
      ...['-map', `[v${index}]`, ...encoder, ...keys, '-profile:v', 'main'],
      ...['-threads', '1', '-b:v', `${kilobits}k`, '-maxrate', `${Math.round(kilobits * 1.1)}k`],
      ...['-bufsize', `${Math.round(kilobits * 1.5)}k`, ...hls],
      ...['-hls_fmp4_init_filename', `init${index}.mp4`, `${index}.m3u8`],
    ]),
    ...sound,
  ];
}

const copyArguments = ['-map', '0:v', '-c:v', 'copy', ...hls, 'copy.m3u8', ...sound];

/** Cores that ffmpeg takes when it reads the file at its pace. */
async function ffmpegCores(file: string, output: readonly string[]): Promise<number> {
  const input = ['-benchmark', '-threads', '1', '-re', '-i', file];
  const child = spawn('ffmpeg', ['-y', '-hide_banner', ...input, ...output], {
    cwd: path.dirname(file),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await new Promise((resolve) => child.once('close', resolve));
  const times = /utime=([\d.]+)s stime=([\d.]+)s rtime=/.exec(text);
  if (times === null) throw new Error(`ffmpeg did not say what it took: ${text.slice(-500)}`);
  return (Number(times[1]) + Number(times[2])) / clip.durationSeconds;
}

interface Measured {
  readonly cores: number;
  /** Of it, node's part without ffmpeg. */
  readonly nodeCores: number;
  /** From the offer to the first answer with a playable segment, per publisher. */
  readonly playableMs: readonly number[];
  /** Of the first stream, in the time that was measured. */
  readonly listings: readonly Listing[];
  readonly firstFrameAtMs: number;
  readonly isStarved: boolean;
}

/** Publishes the clip as some streams at once into an ingest of their own. */
async function measureIngest(
  directory: string,
  rungs: string,
  streamCount: number,
): Promise<Measured> {
  const streams = Array.from({ length: streamCount }, (_, index) => `bench${index}`);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const service = await ServiceProcess.start('ingest/main.ts', {
    SHOAL_INGEST_PORT: String(port),
    SHOAL_STREAM_KEYS: streams.map((stream) => `${stream}:${key}`).join(','),
    SHOAL_LADDER: rungs,
    SHOAL_DATA_DIR: await mkdtemp(path.join(directory, 'data-')),
  });
  const publishers = new ReplayingPublishers({
    ...{ framesPath: path.join(directory, 'frames'), key, loopMs: clip.durationSeconds * 1_000 },
    whipUrls: streams.map((stream) => `${url}/whip/${stream}`),
    staggerMs: 250,
  });
  const playableAtMs = await Promise.all(
    streams.map((stream) =>
      pollUntil(
        async () => ((await fetch(`${url}/live/${stream}/index.m3u8`)).ok ? Date.now() : null),
        { timeoutMs: 60_000, intervalMs: 25, description: `${stream} is playable` },
      ),
    ),
  );
  const rendition = rungs.split(',')[0] ?? '';
  const watch = new ListingWatch(`${url}/live/${streams[0]}/${rendition}/index.m3u8`);
  await pause(settleMs);
  const load = LoadWatch.start();
  const [startedAtMs, tree, own] = [
    Date.now(),
    treeCpuSeconds(service.pid),
    ownCpuSeconds(service.pid),
  ];
  await pause(measuredMs);
  const seconds = (Date.now() - startedAtMs) / 1_000;
  const cores = (treeCpuSeconds(service.pid) - tree) / seconds;
  const nodeCores = (ownCpuSeconds(service.pid) - own) / seconds;
  const { isStarved } = load.stop();
  await watch.stop();
  await publishers.stop();
  await service.stop();
  const { beginnings } = publishers;
  const postedAtMs = (stream: string): number =>
    beginnings.find(({ whipUrl }) => whipUrl.endsWith(`/${stream}`))?.postedAtMs ?? Number.NaN;
  return {
    ...{ cores, nodeCores, isStarved },
    playableMs: streams.map((stream, index) => (playableAtMs[index] ?? 0) - postedAtMs(stream)),
    listings: watch.listings.filter(({ listedAtMs }) => listedAtMs > startedAtMs),
    firstFrameAtMs: beginnings[0]?.firstFrameAtMs ?? Number.NaN,
  };
}

/** How far a segment's time is from when its first frame was sent: a keyframe, one every 2 s. */
function clockErrorMs({ startMs }: Listing, firstFrameAtMs: number): number {
  const sinceMs = startMs - firstFrameAtMs;
  const periodMs = 1_000 * gopSeconds;
  return sinceMs - Math.round(sinceMs / periodMs) * periodMs;
}

function row(what: string, value: string, goal: string, isStarved: boolean) {
  return { what, value, goal, note: isStarved ? 'the machine was busy' : '' };
}

export async function benchIngest(): Promise<BenchReport> {
  const directory = await mkdtemp(path.join(tmpdir(), 'shoal-bench-'));
  try {
    const frames = await makeFrames({ ...clip, gopSeconds, videoBitrateBps: 2_500_000 });
    await writeFile(path.join(directory, 'frames'), serialize(frames));
    const file = path.join(directory, 'clip.mkv');
    await writeFile(file, matroskaOf(frames));
    const ladderRun = await measureIngest(directory, '720p,480p,360p', 1);
    const plain = await ffmpegCores(file, ladderArguments());
    const single = await measureIngest(directory, 'source', 1);
    const copy = await ffmpegCores(file, copyArguments);
    const many = await measureIngest(directory, 'source', sessions);
    return report({ ladderRun, plain, single, copy, many });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface Results {
  readonly ladderRun: Measured;
  readonly plain: number;
  readonly single: Measured;
  readonly copy: number;
  readonly many: Measured;
}

function report({ ladderRun, plain, single, copy, many }: Results): BenchReport {
  const listedMs = ladderRun.listings.map(({ endMs, listedAtMs }) => listedAtMs - endMs);
  const glassMs = ladderRun.listings.map(({ startMs, listedAtMs }) => listedAtMs - startMs);
  const errorsMs = ladderRun.listings.map((listing) =>
    Math.abs(clockErrorMs(listing, ladderRun.firstFrameAtMs)),
  );
  const each = many.cores / sessions;
  const ms = (value: number): string => `${Math.round(value)} ms`;
  return {
    name: 'ingest',
    title: 'Ingest beside plain ffmpeg',
    method: `A clip of 720p30 at 2.5 Mbit/s with Opus, sent in real time over real WHIP sessions. CPU is that of ingest's process and its ffmpegs over ${measuredMs / 1_000} s; plain ffmpeg reads the same frames from a file at their pace and writes HLS. The sound is made AAC once in all of them.`,
    rows: [
      row(
        'CPU, ladder 720p/480p/360p: ingest ÷ ffmpeg',
        `${(ladderRun.cores / plain).toFixed(2)} (${ladderRun.cores.toFixed(2)} ÷ ${plain.toFixed(2)} cores)`,
        '≤ 1.15',
        ladderRun.isStarved,
      ),
      row(
        'CPU, passthrough: ingest ÷ ffmpeg -c copy',
        `${(single.cores / copy).toFixed(2)} (${single.cores.toFixed(3)} ÷ ${copy.toFixed(3)} cores)`,
        '–',
        single.isStarved,
      ),
      row(
        `CPU per publisher in passthrough, ${sessions} at once`,
        `${each.toFixed(3)} cores (${(many.nodeCores / sessions).toFixed(3)} without ffmpeg): ${Math.floor(1 / each)} per core`,
        '≥ 12 on this machine',
        many.isStarved,
      ),
      row(
        'publish → first playable segment, ladder',
        ms(percentile(ladderRun.playableMs, 0.5)),
        '≤ 4000 ms',
        ladderRun.isStarved,
      ),
      row(
        `publish → first playable segment, ${sessions} in passthrough, p50 / largest`,
        `${ms(percentile(many.playableMs, 0.5))} / ${ms(Math.max(...many.playableMs))}`,
        '≤ 4000 ms',
        many.isStarved,
      ),
      row(
        'last frame of a segment → listed, ladder, p50 / p90',
        `${ms(percentile(listedMs, 0.5))} / ${ms(percentile(listedMs, 0.9))}`,
        'p50 ≤ 150 ms',
        ladderRun.isStarved,
      ),
      row(
        'first frame of a segment → listed (glass to playlist), ladder, p50',
        ms(percentile(glassMs, 0.5)),
        '–',
        ladderRun.isStarved,
      ),
      row(
        'EXT-X-PROGRAM-DATE-TIME less the time of sending, largest',
        ms(Math.max(...errorsMs)),
        '≤ 100 ms',
        ladderRun.isStarved,
      ),
    ],
  };
}
