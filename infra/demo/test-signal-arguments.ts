// The ffmpeg command line of the demo's picture and tone, as RTP on loopback ports. Pure;
// `test-signal.ts` runs it.

export type VideoCodec = 'h264' | 'vp8';

/** Where one kind of media goes and how its RTP packets are marked. */
export interface RtpTarget {
  readonly port: number;
  /** Below 2^31: ffmpeg reads it as a signed integer. */
  readonly ssrc: number;
  readonly payloadType: number;
}

export interface TestSignalPicture {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly framesPerSecond: number;
  readonly videoBitrateBps: number;
  readonly codec: VideoCodec;
  /** Font for a UTC clock in the picture; `null` leaves only the running time of the pattern. */
  readonly clockFontPath: string | null;
}

/** Largest RTP packet in bytes: with SRTP, UDP and IPv6 headers it fits into 1280. */
const rtpPacketSizeBytes = 1_200;
const audioBitrateBps = 96_000;

export function testSignalArguments(
  picture: TestSignalPicture,
  video: RtpTarget,
  audio: RtpTarget | null,
): string[] {
  return [
    ...['-hide_banner', '-loglevel', 'error', '-nostdin'],
    ...['-re', '-f', 'lavfi', '-i', pictureFilter(picture)],
    // A beep each second over a low tone: silence and standstill can both be heard.
    ...(audio ? ['-re', '-f', 'lavfi', '-i', toneFilter] : []),
    ...['-map', '0:v', ...videoEncoder(picture), ...rtpOutput(video)],
    ...(audio ? ['-map', '1:a', '-c:a', 'libopus', '-b:a', `${audioBitrateBps}`, '-ac', '2'] : []),
    ...(audio ? rtpOutput(audio) : []),
  ];
}

const toneFilter = 'sine=frequency=330:beep_factor=3:sample_rate=48000';

function pictureFilter(picture: TestSignalPicture): string {
  const size = `${picture.widthPx}x${picture.heightPx}`;
  const pattern = `testsrc2=size=${size}:rate=${picture.framesPerSecond}`;
  if (picture.clockFontPath === null) return pattern;
  const heightPx = Math.round(picture.heightPx / 11);
  // Colons and commas are separators on two levels here: options of the filter, then of gmtime.
  const clock = String.raw`%{gmtime\:%H\\\:%M\\\:%S} UTC`;
  return (
    `${pattern},drawtext=fontfile=${picture.clockFontPath}:text='${clock}':fontsize=${heightPx}` +
    `:fontcolor=white:box=1:boxcolor=black:boxborderw=${Math.round(heightPx / 8)}` +
    // Above the controls of a player.
    `:x=(w-tw)/2:y=h*3/4-th`
  );
}

function videoEncoder(picture: TestSignalPicture): string[] {
  // One keyframe a second: a PLI cannot reach ffmpeg, so the answer to it is never far away.
  const keyframeInterval = ['-g', `${picture.framesPerSecond}`, '-sc_threshold', '0'];
  const rate = [
    ...['-b:v', `${picture.videoBitrateBps}`, '-maxrate', `${picture.videoBitrateBps}`],
    ...['-bufsize', `${Math.round(picture.videoBitrateBps / 2)}`],
  ];
  const common = ['-pix_fmt', 'yuv420p', '-threads', '1', ...keyframeInterval, ...rate];
  if (picture.codec === 'vp8') {
    return [
      ...['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-error-resilient', '1'],
      ...['-auto-alt-ref', '0', '-lag-in-frames', '0', ...common],
    ];
  }
  return [
    ...['-c:v', 'libx264', '-preset', 'superfast', '-tune', 'zerolatency'],
    ...['-profile:v', 'baseline', '-bf', '0', ...common],
  ];
}

function rtpOutput(target: RtpTarget): string[] {
  // `connect=1` lets ffmpeg see that nobody listens any more: it ends when its parent is gone,
  // even a parent that was killed. Sender reports are ours (`sender-report.ts`).
  const query = `rtcpport=${target.port}&pkt_size=${rtpPacketSizeBytes}&connect=1`;
  return [
    ...['-ssrc', `${target.ssrc}`, '-payload_type', `${target.payloadType}`],
    ...['-rtpflags', 'skip_rtcp', '-f', 'rtp', `rtp://127.0.0.1:${target.port}?${query}`],
  ];
}
