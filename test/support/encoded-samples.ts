// Short real videos made by ffmpeg when a test file loads: what the RTP tests packetise. Small
// pictures and few frames, so that making them takes a fraction of a second.

import { execFileSync } from 'node:child_process';
import { splitAccessUnits, splitAnnexB, splitIvf } from './rtp-packetizer.ts';

const ffmpeg = process.env.SHOAL_FFMPEG_PATH ?? 'ffmpeg';

function encode(size: string, frames: number, output: readonly string[]): Buffer {
  const source = `testsrc2=size=${size}:rate=30,noise=alls=20:allf=t`;
  const input = ['-f', 'lavfi', '-i', source, '-frames:v', String(frames)];
  return execFileSync(
    ffmpeg,
    ['-hide_banner', '-loglevel', 'error', ...input, '-pix_fmt', 'yuv420p', ...output, 'pipe:1'],
    { maxBuffer: 64 * 1024 * 1024 },
  );
}

/** H.264 in Annex B form: a keyframe every `keyframeInterval` frames, `slices` per picture. */
export function encodeH264(
  size: string,
  frames: number,
  keyframeInterval: number,
  slices = 1,
  profile = 'baseline',
): Buffer {
  const rate = ['-preset', 'ultrafast', '-tune', 'zerolatency', '-profile:v', profile];
  const structure = `keyint=${keyframeInterval}:scenecut=0:slices=${slices}:sliced-threads=0`;
  const options = ['-c:v', 'libx264', ...rate, '-x264-params', structure, '-threads', '1'];
  return encode(size, frames, [...options, '-f', 'h264']);
}

/** The same as access units of NAL units. */
export function encodeH264AccessUnits(
  size: string,
  frames: number,
  keyframeInterval: number,
  slices = 1,
): Uint8Array[][] {
  return splitAccessUnits(splitAnnexB(encodeH264(size, frames, keyframeInterval, slices)));
}

/** Access units in the order of decoding: after each reference the B-frame that lies before it. */
export function encodeH264WithBFrames(size: string, frames: number): Uint8Array[][] {
  const structure =
    'keyint=infinite:scenecut=0:bframes=1:b-adapt=0:b-pyramid=none:sliced-threads=0';
  const options = ['-c:v', 'libx264', '-preset', 'ultrafast', '-profile:v', 'main'];
  const stream = [...options, '-x264-params', structure, '-threads', '1', '-f', 'h264'];
  return splitAccessUnits(splitAnnexB(encode(size, frames, stream)));
}

/** VP8 frames. */
export function encodeVp8(size: string, frames: number, keyframeInterval: number): Uint8Array[] {
  const options = ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-threads', '1'];
  const structure = ['-g', String(keyframeInterval), '-b:v', '600k', '-auto-alt-ref', '0'];
  return splitIvf(encode(size, frames, [...options, ...structure, '-f', 'ivf']));
}

/** VP9 frames, without hidden ones. */
export function encodeVp9(size: string, frames: number, keyframeInterval: number): Uint8Array[] {
  const options = ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8'];
  const structure = ['-g', String(keyframeInterval), '-b:v', '600k', '-lag-in-frames', '0'];
  return splitIvf(encode(size, frames, [...options, ...structure, '-threads', '1', '-f', 'ivf']));
}

/** An IVF file of AV1. */
export function encodeAv1(size: string, frames: number, keyframeInterval: number): Buffer {
  const options = ['-c:v', 'libaom-av1', '-usage', 'realtime', '-cpu-used', '8', '-threads', '1'];
  const structure = ['-g', String(keyframeInterval), '-b:v', '400k', '-lag-in-frames', '0'];
  return encode(size, frames, [...options, ...structure, '-f', 'ivf']);
}

/** The `av1C` box that ffmpeg writes for an IVF file of AV1, without the box's header. */
export function av1ConfigurationBox(ivf: Buffer): Buffer {
  const movflags = ['-movflags', 'empty_moov+frag_keyframe', '-f', 'mp4'];
  const input = ['-hide_banner', '-loglevel', 'error', '-f', 'ivf', '-i', 'pipe:0'];
  const file = execFileSync(ffmpeg, [...input, '-c', 'copy', ...movflags, 'pipe:1'], {
    input: ivf,
  });
  const at = file.indexOf('av1C');
  return file.subarray(at + 4, at - 4 + file.readUInt32BE(at - 4));
}
