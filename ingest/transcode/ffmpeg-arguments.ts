// Pure: the arguments of the one ffmpeg of a broadcast, from Matroska on standard input to one
// fragmented MP4 pipe per rendition, of pictures or of sound. Each group of options says what went
// wrong without it.

import type { Rotation } from '../rtp/video-orientation.ts';
import type { Rendition, VideoRendition } from './fit-ladder.ts';

/** File descriptor of the first rendition's pipe; the others follow. */
export const firstOutputDescriptor = 3;

/**
 * How much longer than the target a fragment may get while the picture stalls. Fragments end at
 * keyframes: shorter ones would tell the end of a segment only when the one after it is complete.
 */
const fragmentSlackSeconds = 0.25;
/** How much shorter than the target a GOP may be, so that jittery capture does not add a frame. */
const keyframeToleranceSeconds = 0.008;
/**
 * Less than a frame of AAC: sound beside pictures comes out frame by frame, since it is cut where they
 * are. Sound alone is cut by ffmpeg.
 */
const soundFragmentUs = 20_000;

/** Samples that ffmpeg's AAC encoder puts before the first one of the sound. */
const aacDelaySamples = 1024;

export interface FfmpegArgumentsOptions {
  readonly renditions: readonly Rendition[];
  readonly segmentSeconds: number;
  /** Pictures per second of the source. */
  readonly frameRate: number;
  /** Whether this ffmpeg knows `-fps_mode` (5.1 and later); older ones call it `-vsync`. */
  readonly hasFpsMode: boolean;
  /** Whether renditions that are the source are not encoded again. */
  readonly isPassthrough: boolean;
  /** By how much the source is to be turned. */
  readonly rotation: Rotation;
}

const turning: Readonly<Record<Rotation, string>> = {
  0: '',
  90: 'transpose=clock,',
  180: 'hflip,vflip,',
  270: 'transpose=cclock,',
};

/** From so many lines on, renditions keep up to 60 pictures a second. */
const fullRateHeightPx = 720;
/** Pictures that are closer than this in the mean are too many. */
const fastDistanceSeconds = 0.0286;
const fastFrameRate = 1 / fastDistanceSeconds;
/** Taken for the distance before there are two pictures. */
const slowDistanceSeconds = 0.0333;
/** Above the distance of pictures at 48 Hz, below twice that at 60 Hz, with room for jitter. */
const halvedDistanceSeconds = 0.0245;

function isCopied(rendition: Rendition, { isPassthrough }: FfmpegArgumentsOptions): boolean {
  return isPassthrough && rendition.isSource === true;
}

function isHalved({ widthPx, heightPx }: VideoRendition): boolean {
  return Math.min(widthPx, heightPx) < fullRateHeightPx;
}

/** What comes out of an encoder, as far as the source keeps its pace. */
function encodedFrameRate(video: VideoRendition, { frameRate }: FfmpegArgumentsOptions): number {
  return isHalved(video) && frameRate > fastFrameRate ? frameRate / 2 : frameRate;
}

/** How much later than the last keyframe the next one comes, in the clock of capture. */
function gopSecondsOf({ segmentSeconds }: FfmpegArgumentsOptions): string {
  // Times are whole tenths of a millisecond: half of one keeps all comparisons away from equality.
  return (segmentSeconds - keyframeToleranceSeconds + 0.00005).toFixed(5);
}

/**
 * Every second picture while the source has more than about 30 a second, and every picture that
 * begins a segment: the filter keeps the same time as the encoders do, so that all renditions have
 * the same keyframes. Its variables: 0 the last keyframe, 1 that there is one, 2 the mean distance.
 * Of 30 a second none is left out, however they jitter.
 */
function halvedRate(options: FfmpegArgumentsOptions): string {
  const isKey = options.isPassthrough
    ? 'key'
    : `if(ld(1)*lt(t,ld(0)+${gopSecondsOf(options)}),0,st(1,1)+st(0,t)*0)`;
  const mean = `st(2,if(isnan(prev_t),${slowDistanceSeconds},ld(2)+(min(t-prev_t,0.1)-ld(2))/min(n,32)))`;
  const isFar = `isnan(prev_selected_t)+gte(t-prev_selected_t,${halvedDistanceSeconds})`;
  const expression = `gt(${isKey}+gte(${mean},${fastDistanceSeconds})+${isFar},0)`;
  return `select=${expression.replaceAll(',', '\\,')},`;
}

/**
 * A picture that changes size within the broadcast is fitted into the rendition's frame with bars:
 * the players' decoders keep one configuration.
 */
function videoGraph(options: FfmpegArgumentsOptions): string | null {
  const sizes = options.renditions.flatMap((rendition) =>
    rendition.video === null || isCopied(rendition, options) ? [] : [rendition.video],
  );
  if (sizes.length === 0) return null;
  const outputs = sizes.map((_, index) => `[s${index}]`).join('');
  const turned = turning[options.rotation];
  const scalers = sizes.map((video, index) => {
    const size = `w=${video.widthPx}:h=${video.heightPx}`;
    return [
      `[s${index}]${isHalved(video) ? halvedRate(options) : ''}`,
      `scale=${size}:force_original_aspect_ratio=decrease,`,
      `pad=${size}:x=(ow-iw)/2:y=(oh-ih)/2,setsar=1,format=yuv420p[v${index}]`,
    ].join('');
  });
  return [`[0:v]${turned}split=${sizes.length}${outputs}`, ...scalers].join(';');
}

/**
 * Sound starts with the picture, filled with silence where it comes later. It starts by the
 * encoder's delay later, because the muxer would otherwise move the picture by that much. The
 * resampler is there from the start (`flags=res`): libswresample would put it in at the first drift it
 * compensates, begin anew with `first_pts`, and fill in silence as long as the broadcast so far.
 */
function audioGraph(renditions: readonly Rendition[]): string | null {
  if (renditions.every(({ audioBitrateBps }) => audioBitrateBps === null)) return null;
  return `[0:a]aresample=48000:async=1000:first_pts=${aacDelaySamples}:flags=res[a]`;
}

function videoOutput(rendition: Rendition, label: string, options: FfmpegArgumentsOptions) {
  if (rendition.video === null) return [];
  if (isCopied(rendition, options)) return ['-map', '0:v', '-c:v', 'copy'];
  const { bitrateBps } = rendition.video;
  return [
    ...['-map', label, '-c:v', 'libx264', '-preset', 'veryfast', '-tune', 'zerolatency'],
    ...['-profile:v', 'main', '-threads', '1'],
    ...['-b:v', `${bitrateBps}`, '-maxrate', `${Math.round(bitrateBps * 1.1)}`],
    ...['-bufsize', `${Math.round(bitrateBps * 1.5)}`],
    // Keyframes come from the clock alone: one per target duration, at the same picture in every
    // rendition. Measuring from the last one (not from zero) keeps a stall from being followed by
    // a burst of keyframes that catches up. Beside a copy of the source its keyframes are the clock.
    ...['-g', `${Math.ceil(options.segmentSeconds * 240)}`, '-sc_threshold', '0'],
    // x264 takes the level and its first guess at bits per picture from the rate it is told: that of
    // the filters is the source's, also where every second picture is left out.
    '-x264-params',
    `scenecut=0:open_gop=0:fps=${encodedFrameRate(rendition.video, options)}`,
    '-force_key_frames',
    options.isPassthrough
      ? 'source'
      : `expr:if(isnan(prev_forced_t),1,gte(t,prev_forced_t+${gopSecondsOf(options)}))`,
    // Every captured picture once, at its own time: a constant rate would repeat and drop hundreds.
    ...[options.hasFpsMode ? '-fps_mode' : '-vsync', 'passthrough'],
    ...['-enc_time_base:v', '1:90000'],
  ];
}

function audioOutput(rendition: Rendition): readonly string[] {
  if (rendition.audioBitrateBps === null) return [];
  return ['-map', '[a]', '-c:a', 'aac', '-b:a', `${rendition.audioBitrateBps}`, '-ac', '2'];
}

function fragmentUsOf(rendition: Rendition, options: FfmpegArgumentsOptions): number {
  const { renditions, segmentSeconds } = options;
  const isFollowing = rendition.video === null && renditions.some(({ video }) => video !== null);
  if (isFollowing) return soundFragmentUs;
  const slackSeconds = rendition.video === null ? 0 : fragmentSlackSeconds;
  return Math.round((segmentSeconds + slackSeconds) * 1_000_000);
}

function muxer(rendition: Rendition, index: number, options: FfmpegArgumentsOptions) {
  return [
    ...['-flush_packets', '1'],
    ...['-movflags', '+empty_moov+default_base_moof+frag_keyframe+skip_trailer'],
    // Without this, what does not start at zero gets an edit list in its init section.
    ...['-use_editlist', '0', '-frag_duration', `${fragmentUsOf(rendition, options)}`],
    ...['-f', 'mp4', `pipe:${firstOutputDescriptor + index}`],
  ];
}

/** The arguments of ffmpeg, without the program's name. */
export function ffmpegArguments(options: FfmpegArgumentsOptions): readonly string[] {
  const { renditions } = options;
  // Two graphs: in one, any change of the picture's size resets the times of the sound.
  const graphs = [videoGraph(options), audioGraph(renditions)].filter((graph) => graph !== null);
  // Labels count the pictures that are encoded: a copy has none.
  const encoded = renditions.filter(
    (rendition) => rendition.video !== null && !isCopied(rendition, options),
  );
  return [
    ...['-hide_banner', '-loglevel', 'repeat+level+warning', '-nostats', '-copyts'],
    // One decoder thread: frame threads would each hold back a picture. `nobuffer` is absent on
    // purpose: it throws the probed packets, that is the first GOP, away.
    ...['-threads', '1', '-analyzeduration', '100000', '-probesize', '32768'],
    ...['-f', 'matroska', '-i', 'pipe:0', '-filter_complex_threads', '1'],
    ...graphs.flatMap((graph) => ['-filter_complex', graph]),
    ...renditions.flatMap((rendition, index) => [
      ...videoOutput(rendition, `[v${encoded.indexOf(rendition)}]`, options),
      ...audioOutput(rendition),
      ...muxer(rendition, index, options),
    ]),
  ];
}
