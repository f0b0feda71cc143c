// Real pictures and sound for tests and benchmarks in browsers: ffmpeg encodes a test picture once, as
// ingest does, and ingest's own packager cuts it. `recorded-live-origin.ts` serves it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Packager } from '../../ingest/hls/packager.ts';

export interface RecordedRendition {
  readonly name: string;
  /** Absent for a rendition of sound alone. */
  readonly video?: {
    readonly widthPx: number;
    readonly heightPx: number;
    readonly bitrateBps: number;
  };
  readonly hasSound: boolean;
}

export interface RecordedMediaOptions {
  readonly renditions: readonly RecordedRendition[];
  readonly segmentSeconds: number;
  /** Length of each encoding; between two of them is a discontinuity. */
  readonly encodingSeconds: readonly number[];
  /** Length of the fragments (`moof`, `mdat`) within a segment; one a segment by default. */
  readonly fragmentSeconds?: number;
}

export interface RecordedSegment {
  readonly bytes: Buffer;
  readonly durationSeconds: number;
  /** Which init section it needs; it changes with each encoding. */
  readonly encoding: number;
}

export interface RecordedTrack {
  readonly rendition: RecordedRendition;
  /** By encoding. */
  readonly inits: readonly Buffer[];
  readonly segments: readonly RecordedSegment[];
}

const soundBitrateBps = 128_000;

/** Encodes everything; the same number of segments in every rendition. */
export async function recordMedia(options: RecordedMediaOptions): Promise<RecordedTrack[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'shoal-recorded-media-'));
  try {
    for (const [encoding, seconds] of options.encodingSeconds.entries())
      await encode(options, folder, encoding, seconds);
    return await Promise.all(options.renditions.map((each) => packageTrack(options, folder, each)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function encode(
  options: RecordedMediaOptions,
  folder: string,
  encoding: number,
  seconds: number,
): Promise<void> {
  const encoder = spawn(
    'ffmpeg',
    [
      ...['-hide_banner', '-loglevel', 'error', '-nostdin'],
      // The two encodings differ to the eye.
      ...['-f', 'lavfi', '-i', `testsrc2=size=640x360:rate=25,hue=h=${encoding * 120}`],
      ...['-f', 'lavfi', '-i', `sine=frequency=${440 + 220 * encoding}:sample_rate=48000`],
      ...options.renditions.flatMap((rendition) => [
        ...trackArguments(options, rendition, seconds),
        fileOf(folder, rendition, encoding),
      ]),
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const [exitCode] = await once(encoder, 'exit');
  if (exitCode !== 0) throw new Error(`ffmpeg ended with ${String(exitCode)}`);
}

function trackArguments(
  { segmentSeconds, fragmentSeconds }: RecordedMediaOptions,
  { video, hasSound }: RecordedRendition,
  seconds: number,
): string[] {
  // Filled up to a constant bit rate, so that each segment has the size it should have.
  const rate = video && `${Math.round(video.bitrateBps / 1_000)}k`;
  const fragmentUs = Math.round((fragmentSeconds ?? segmentSeconds + 0.25) * 1_000_000);
  return [
    ...['-t', `${seconds}`],
    ...(video && rate
      ? [
          ...['-map', '0:v', '-vf', `scale=${video.widthPx}:${video.heightPx}`],
          ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency'],
          ...['-b:v', rate, '-maxrate', rate, '-bufsize', rate, '-pix_fmt', 'yuv420p'],
          ...['-x264-params', `nal-hrd=cbr:scenecut=0:keyint=${Math.round(25 * segmentSeconds)}`],
        ]
      : []),
    ...(hasSound ? ['-map', '1:a', '-c:a', 'aac', '-b:a', `${soundBitrateBps}`, '-ac', '2'] : []),
    ...['-movflags', '+empty_moov+default_base_moof+frag_keyframe+skip_trailer'],
    ...['-use_editlist', '0', '-frag_duration', `${fragmentUs}`, '-f', 'mp4'],
  ];
}

async function packageTrack(
  { segmentSeconds, encodingSeconds }: RecordedMediaOptions,
  folder: string,
  rendition: RecordedRendition,
): Promise<RecordedTrack> {
  const inits: Buffer[] = [];
  const segments: RecordedSegment[] = [];
  for (const encoding of encodingSeconds.keys()) {
    const packager = new Packager({ segmentSeconds });
    const outputs = packager.push(await readFile(fileOf(folder, rendition, encoding)));
    for (const output of [...outputs, ...packager.end()]) {
      const bytes = Buffer.from(output.bytes);
      if (output.kind === 'init-section') inits.push(bytes);
      else segments.push({ bytes, durationSeconds: output.durationSeconds, encoding });
    }
  }
  return { rendition, inits, segments };
}

function fileOf(folder: string, { name }: RecordedRendition, encoding: number): string {
  return path.join(folder, `${name}-${encoding}.mp4`);
}
