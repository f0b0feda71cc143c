// Pure: the arguments of the one ffmpeg of a broadcast, from Matroska on standard input to one
// fragmented MP4 pipe per rendition. Each group of options says what went wrong without it.

import type { Rendition } from './fit-ladder.ts';

/** File descriptor of the first rendition's pipe; the others follow. */
export const firstOutputDescriptor = 3;

/**
 * How much longer than the target a fragment may get while the picture stalls. Fragments end at
 * keyframes: shorter ones would tell the end of a segment only when the one after it is complete.
 */
const fragmentSlackSeconds = 0.25;
/** How much shorter than the target a GOP may be, so that jittery capture does not add a frame. */
const keyframeToleranceSeconds = 0.008;
/** How long the muxer waits for a stream that has stalled (a muted microphone, a hidden tab). */
const maxInterleaveDeltaUs = 1_000_000;

/** Samples that ffmpeg's AAC encoder puts before the first one of the sound. */
const aacDelaySamples = 1024;

export interface FfmpegArgumentsOptions {
  readonly renditions: readonly Rendition[];
  readonly segmentSeconds: number;
  /** Whether this ffmpeg knows `-fps_mode` (5.1 and later); older ones call it `-vsync`. */
  readonly hasFpsMode: boolean;
}

/**
 * A picture that changes size within the broadcast is fitted into the rendition's frame with bars:
 * the players' decoders keep one configuration.
 */
function videoGraph(renditions: readonly Rendition[]): string | null {
  const sizes = renditions.flatMap(({ video }) => (video === null ? [] : [video]));
  if (sizes.length === 0) return null;
  const outputs = sizes.map((_, index) => `[s${index}]`).join('');
  const scalers = sizes.map(
    ({ widthPx, heightPx }, index) =>
      `[s${index}]scale=w=${widthPx}:h=${heightPx}:force_original_aspect_ratio=decrease,` +
      `pad=w=${widthPx}:h=${heightPx}:x=(ow-iw)/2:y=(oh-ih)/2,setsar=1,format=yuv420p[v${index}]`,
  );
  return [`[0:v]split=${sizes.length}${outputs}`, ...scalers].join(';');
}

/**
 * Sound starts with the picture, filled with silence where it comes later. It starts by the
 * encoder's delay later, because the muxer would otherwise move the picture by that much.
 */
function audioGraph(renditions: readonly Rendition[]): string | null {
  const count = renditions.filter(({ audioBitrateBps }) => audioBitrateBps !== null).length;
  if (count === 0) return null;
  const outputs = Array.from({ length: count }, (_, index) => `[a${index}]`).join('');
  return `[0:a]aresample=48000:async=1000:first_pts=${aacDelaySamples},asplit=${count}${outputs}`;
}

function videoOutput(rendition: Rendition, index: number, options: FfmpegArgumentsOptions) {
  if (rendition.video === null) return [];
  const { bitrateBps } = rendition.video;
  const gopSeconds = options.segmentSeconds - keyframeToleranceSeconds;
  return [
    ...['-map', `[v${index}]`, '-c:v', 'libx264', '-preset', 'veryfast', '-tune', 'zerolatency'],
    ...['-profile:v', 'main', '-threads', '1'],
    ...['-b:v', `${bitrateBps}`, '-maxrate', `${Math.round(bitrateBps * 1.1)}`],
    ...['-bufsize', `${Math.round(bitrateBps * 1.5)}`],
    // Keyframes come from the clock alone: one per target duration, at the same picture in every
    // rendition. Measuring from the last one (not from zero) keeps a stall from being followed by
    // a burst of keyframes that catches up.
    ...['-g', `${Math.ceil(options.segmentSeconds * 240)}`, '-sc_threshold', '0'],
    ...['-x264-params', 'scenecut=0:open_gop=0'],
    '-force_key_frames',
    `expr:if(isnan(prev_forced_t),1,gte(t,prev_forced_t+${gopSeconds.toFixed(3)}))`,
    // Every captured picture once, at its own time: a constant rate would repeat and drop hundreds.
    ...[options.hasFpsMode ? '-fps_mode' : '-vsync', 'passthrough'],
    ...['-enc_time_base:v', '1:90000'],
  ];
}

function audioOutput(rendition: Rendition, index: number): readonly string[] {
  if (rendition.audioBitrateBps === null) return [];
  return ['-map', `[a${index}]`, '-c:a', 'aac', '-b:a', `${rendition.audioBitrateBps}`, '-ac', '2'];
}

function muxer(rendition: Rendition, index: number, segmentSeconds: number): readonly string[] {
  const slackSeconds = rendition.video === null ? 0 : fragmentSlackSeconds;
  const fragmentUs = Math.round((segmentSeconds + slackSeconds) * 1_000_000);
  return [
    ...['-max_interleave_delta', `${maxInterleaveDeltaUs}`, '-flush_packets', '1'],
    ...['-movflags', '+empty_moov+default_base_moof+frag_keyframe+skip_trailer'],
    // Without this, streams that start unequally put edit lists into the init section.
    ...['-use_editlist', '0', '-frag_duration', `${fragmentUs}`],
    ...['-f', 'mp4', `pipe:${firstOutputDescriptor + index}`],
  ];
}

/** The arguments of ffmpeg, without the program's name. */
export function ffmpegArguments(options: FfmpegArgumentsOptions): readonly string[] {
  const { renditions } = options;
  // Two graphs: in one, any change of the picture's size resets the times of the sound.
  const graphs = [videoGraph(renditions), audioGraph(renditions)].filter((graph) => graph !== null);
  return [
    ...['-hide_banner', '-loglevel', 'repeat+level+warning', '-nostats', '-copyts'],
    // One decoder thread: frame threads would each hold back a picture. `nobuffer` is absent on
    // purpose: it throws the probed packets, that is the first GOP, away.
    ...['-threads', '1', '-analyzeduration', '100000', '-probesize', '32768'],
    ...['-f', 'matroska', '-i', 'pipe:0', '-filter_complex_threads', '1'],
    ...graphs.flatMap((graph) => ['-filter_complex', graph]),
    ...renditions.flatMap((rendition, index) => [
      ...videoOutput(rendition, index, options),
      ...audioOutput(rendition, index),
      ...muxer(rendition, index, options.segmentSeconds),
    ]),
  ];
}
