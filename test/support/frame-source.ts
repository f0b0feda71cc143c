// Encoded frames as a WHIP session would deliver them, made by a real ffmpeg: a moving picture with
// a keyframe each second, and a tone. Tests feed them to a broadcast, all at once or in real time.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type {
  EncodedAudioFrame,
  EncodedFrame,
  EncodedVideoFrame,
} from '../../ingest/rtp/encoded-frame.ts';

const run = promisify(execFile);
const opusFrameMs = 20;

export interface FrameSourceOptions {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly frameRate: number;
  readonly durationSeconds: number;
  readonly hasAudio?: boolean;
  readonly hasVideo?: boolean;
  readonly videoCodec?: 'h264' | 'vp8';
  /** Distance of the keyframes; 1 by default. */
  readonly gopSeconds?: number;
  /** Main profile with B-frames, whose pictures come in another order than they are shown. */
  readonly hasReorderedPictures?: boolean;
  readonly videoBitrateBps?: number;
  /** What is shown and heard, as sources of ffmpeg's lavfi; a test picture and a tone by default. */
  readonly videoInput?: string;
  readonly audioInput?: string;
  /** Capture time of the first frame, in milliseconds since the Unix epoch. */
  readonly startTimeMs: number;
}

/** NAL units of an Annex B stream (ITU-T H.264 Annex B), without their start codes. */
function nalUnitsOf(stream: Buffer): Buffer[] {
  const starts: number[] = [];
  for (let at = stream.indexOf('000001', 0, 'hex'); at >= 0; ) {
    starts.push(at + 3);
    at = stream.indexOf('000001', at + 3, 'hex');
  }
  return starts.map((start, index) => {
    let end = (starts[index + 1] ?? stream.length + 3) - 3;
    while (end > start && stream[end - 1] === 0) end -= 1;
    return stream.subarray(start, end);
  });
}

function unitType(unit: Buffer): number {
  return (unit[0] ?? 0) & 0x1f;
}

function withLength(unit: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(unit.length);
  return Buffer.concat([length, unit]);
}

/** AVCDecoderConfigurationRecord of one SPS and one PPS (ISO/IEC 14496-15 §5.3.3.1). */
function decoderConfiguration(sps: Buffer, pps: Buffer): Uint8Array {
  const shortLength = (unit: Buffer): number[] => [unit.length >> 8, unit.length & 0xff];
  return Buffer.concat([
    Buffer.from([1, ...sps.subarray(1, 4), 0xff, 0xe1, ...shortLength(sps)]),
    sps,
    Buffer.from([1, ...shortLength(pps)]),
    pps,
  ]);
}

function h264Frames(stream: Buffer, options: FrameSourceOptions): EncodedVideoFrame[] {
  const pictures: Buffer[][] = [];
  for (const unit of nalUnitsOf(stream)) {
    // Access unit delimiters (type 9) stand before every picture.
    if (unitType(unit) === 9) pictures.push([]);
    else pictures.at(-1)?.push(unit);
  }
  return pictures.map((units, index) => {
    const sps = units.find((unit) => unitType(unit) === 7);
    const pps = units.find((unit) => unitType(unit) === 8);
    const { widthPx, heightPx } = options;
    const isKeyframe = units.some((unit) => unitType(unit) === 5);
    return {
      kind: 'video',
      codec: 'h264',
      captureTimeMs: options.startTimeMs + (index * 1000) / options.frameRate,
      isKeyframe,
      payload: Buffer.concat(
        units.filter((unit) => unitType(unit) === 1 || unitType(unit) === 5).map(withLength),
      ),
      configuration:
        isKeyframe && sps !== undefined && pps !== undefined
          ? { widthPx, heightPx, decoderConfiguration: decoderConfiguration(sps, pps) }
          : null,
    };
  });
}

/** Frames of an IVF file: 32 bytes of header, then size, time and frame. */
function vp8Frames(file: Buffer, options: FrameSourceOptions): EncodedVideoFrame[] {
  const frames: EncodedVideoFrame[] = [];
  for (let at = 32; at < file.length; ) {
    const sizeBytes = file.readUInt32LE(at);
    const payload = file.subarray(at + 12, at + 12 + sizeBytes);
    // RFC 6386 §9.1: the lowest bit of a keyframe is 0.
    const isKeyframe = ((payload[0] ?? 1) & 1) === 0;
    const { widthPx, heightPx } = options;
    frames.push({
      kind: 'video',
      codec: 'vp8',
      captureTimeMs: options.startTimeMs + (frames.length * 1000) / options.frameRate,
      isKeyframe,
      payload,
      configuration: isKeyframe ? { widthPx, heightPx, decoderConfiguration: null } : null,
    });
    at += 12 + sizeBytes;
  }
  return frames;
}

/** The packets of an Ogg stream (RFC 3533 §6); the two header packets of Opus are left out. */
function opusFrames(file: Buffer, options: FrameSourceOptions): EncodedAudioFrame[] {
  const packets: Buffer[] = [];
  let begun: Buffer[] = [];
  for (let page = 0; page < file.length; ) {
    const laces = [...file.subarray(page + 27, page + 27 + (file[page + 26] ?? 0))];
    let at = page + 27 + laces.length;
    for (const lace of laces) {
      begun.push(file.subarray(at, at + lace));
      at += lace;
      if (lace === 255) continue;
      packets.push(Buffer.concat(begun));
      begun = [];
    }
    page = at;
  }
  return packets.slice(2).map((payload, index) => ({
    kind: 'audio',
    codec: 'opus',
    captureTimeMs: options.startTimeMs + index * opusFrameMs,
    payload,
  }));
}

async function encode(
  ffmpegPath: string,
  input: string,
  output: readonly string[],
  directory: string,
) {
  const file = path.join(directory, output.at(-1) ?? '');
  const source = ['-f', 'lavfi', '-i', input];
  await run(ffmpegPath, ['-v', 'error', '-y', ...source, ...output.slice(0, -1), file]);
  return readFile(file);
}

async function videoFrames(options: FrameSourceOptions, directory: string, ffmpegPath: string) {
  const { widthPx, heightPx, frameRate, durationSeconds } = options;
  const input =
    options.videoInput ??
    `testsrc2=size=${widthPx}x${heightPx}:rate=${frameRate}:duration=${durationSeconds}`;
  const gop = [
    '-g',
    `${frameRate * (options.gopSeconds ?? 1)}`,
    '-b:v',
    `${options.videoBitrateBps ?? 800_000}`,
  ];
  if (options.videoCodec === 'vp8') {
    const output = ['-c:v', 'libvpx', '-deadline', 'realtime', ...gop, '-f', 'ivf', 'video.ivf'];
    return vp8Frames(await encode(ffmpegPath, input, output, directory), options);
  }
  const x264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency'];
  const profile = options.hasReorderedPictures === true ? ['main', '-bf', '2'] : ['baseline'];
  const form = [
    '-profile:v',
    ...profile,
    '-pix_fmt',
    'yuv420p',
    '-x264-params',
    'aud=1:scenecut=0',
  ];
  const output = [...x264, ...form, ...gop, '-f', 'h264', 'video.h264'];
  return h264Frames(await encode(ffmpegPath, input, output, directory), options);
}

async function audioFrames(options: FrameSourceOptions, directory: string, ffmpegPath: string) {
  const input =
    options.audioInput ??
    `sine=frequency=440:sample_rate=48000:duration=${options.durationSeconds}`;
  const output = ['-ac', '2', '-c:a', 'libopus', '-b:a', '64k', '-f', 'ogg', 'audio.ogg'];
  return opusFrames(await encode(ffmpegPath, input, output, directory), options);
}

/** The frames of a broadcast in the order of their capture. */
export async function makeFrames(
  options: FrameSourceOptions,
  ffmpegPath = 'ffmpeg',
): Promise<EncodedFrame[]> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'shoal-frames-'));
  try {
    const frames: EncodedFrame[] = [];
    if (options.hasVideo !== false)
      frames.push(...(await videoFrames(options, directory, ffmpegPath)));
    if (options.hasAudio !== false)
      frames.push(...(await audioFrames(options, directory, ffmpegPath)));
    return frames.toSorted((a, b) => a.captureTimeMs - b.captureTimeMs);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The same frames as if they had been captured `byMs` later. */
export function shifted(frames: readonly EncodedFrame[], byMs: number): EncodedFrame[] {
  return frames.map((frame) => ({ ...frame, captureTimeMs: frame.captureTimeMs + byMs }));
}

/**
 * Writes frames at their capture times, `speed` times as fast as they were captured.
 * @returns when all are written, or `signal` has aborted
 */
export async function playFrames(
  frames: readonly EncodedFrame[],
  write: (frame: EncodedFrame) => void,
  options: { readonly speed: number; readonly signal?: AbortSignal },
): Promise<void> {
  const [first] = frames;
  const beganAtMs = performance.now();
  for (const frame of frames) {
    const dueMs = (frame.captureTimeMs - (first?.captureTimeMs ?? 0)) / options.speed;
    const waitMs = beganAtMs + dueMs - performance.now();
    if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
    if (options.signal?.aborted === true) return;
    write(frame);
  }
}
