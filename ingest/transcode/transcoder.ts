// One ffmpeg: the encoded frames of one publisher in, one byte stream of fragmented MP4 per
// rendition out. An encoding feeds it, and packagers take what it gives.

import { type ChildProcess, spawn } from 'node:child_process';
import { Readable, type Writable } from 'node:stream';
import type { Logger } from 'pino';
import type { LadderRung } from '../environment.ts';
import type { EncodedFrame, EncodedVideoFrame } from '../rtp/encoded-frame.ts';
import type { Rotation } from '../rtp/video-orientation.ts';
import { concatBytes } from './ebml.ts';
import { ffmpegArguments, firstOutputDescriptor } from './ffmpeg-arguments.ts';
import type { Ffmpeg } from './ffmpeg-resolver.ts';
import { fitLadder, type Rendition, type SourceSize } from './fit-ladder.ts';
import { FramePreroll, maxPrerollMs, type PrerollResult } from './frame-preroll.ts';
import { MatroskaWriter } from './matroska-writer.ts';
import { parameterSetsOf } from './parameter-sets.ts';
import { isPassable, type PassthroughVerdict, PassthroughWatch } from './passthrough.ts';
import { Silence } from './silence.ts';
import { StandingPicture, type StandingPictureBlock } from './standing-picture.ts';

/** What ffmpeg may be behind; above it, frames are dropped up to the next keyframe. */
const maxQueuedBytes = 8 * 1024 * 1024;
/** The same in time: without it, a slow encoder would let the stream drift by half a minute. */
const defaultMaxLagMs = 8_000;
/** How long ffmpeg may take to give the rest after its input has ended. */
const drainTimeoutMs = 5_000;
/** A picture that is turned to and fro must not start an ffmpeg each time. */
const leastTurnMs = 1_000;
/** What is kept of ffmpeg's messages for the error. */
const maxMessageChars = 4_096;
/** One tick of the Matroska timeline: least distance between two frames of a track. */
const leastStepMs = 0.1;

export interface TranscoderStart {
  readonly renditions: readonly Rendition[];
  /** Capture time of the encoding's zero in milliseconds since the Unix epoch. */
  readonly originTimeMs: number;
}

export interface TranscoderExit {
  /** `failed` when ffmpeg ended before its input did, or with an error. */
  readonly outcome: 'ended' | 'failed';
  /** The last of ffmpeg's messages; empty when it was content. */
  readonly message: string;
}

export interface TranscoderStats {
  readonly framesWritten: number;
  /** Frames that ffmpeg was too slow for, or that no track took. */
  readonly framesDropped: number;
}

export interface TranscoderOptions {
  readonly ffmpeg: Ffmpeg;
  readonly ladder: readonly LadderRung[];
  /** The renditions to make whatever the source is; `null` fits the ladder to the source. */
  readonly renditions: readonly Rendition[] | null;
  readonly segmentSeconds: number;
  /** Whether the rendition that is the source may be a copy of it, where it can be. */
  readonly allowsPassthrough: boolean;
  readonly media: { readonly hasVideo: boolean; readonly hasAudio: boolean };
  readonly logger: Logger;
  /** How long a frame may wait for ffmpeg before others are dropped; 8 s by default. */
  readonly maxLagMs?: number;
  /** Once, before the first output. */
  readonly onStart: (start: TranscoderStart) => void;
  readonly onOutput: (renditionIndex: number, chunk: Uint8Array) => void;
  /** Once, after the last output; never when nothing was started. */
  readonly onExit: (exit: TranscoderExit) => void;
}

interface Running {
  readonly child: ChildProcess;
  readonly input: Writable;
  readonly writer: MatroskaWriter;
  readonly originTimeMs: number;
  readonly hasVideo: boolean;
  readonly hasAudio: boolean;
  readonly rotation: Rotation;
  /** Set while a rendition is a copy of the source. */
  readonly passthrough: PassthroughWatch | null;
  /** Set where there are pictures and sound: they stand in for what the source does not send. */
  readonly silence: Silence | null;
  readonly standing: StandingPicture | null;
  readonly exited: Promise<void>;
}

/** What ffmpeg is to make. */
interface Plan {
  readonly renditions: readonly Rendition[];
  readonly isPassthrough: boolean;
  readonly rotation: Rotation;
}

/** Of the picture as it is looked at. */
function shownSize(size: SourceSize | null, rotation: Rotation): SourceSize | null {
  if (size === null || rotation % 180 === 0) return size;
  return { widthPx: size.heightPx, heightPx: size.widthPx };
}

function hasSound({ audioBitrateBps }: Rendition): boolean {
  return audioBitrateBps !== null;
}

export class Transcoder {
  readonly #options: TranscoderOptions;
  readonly #preroll: FramePreroll;
  readonly #lastTimeMs = { video: -leastStepMs, audio: -leastStepMs };
  #prerollTimer: NodeJS.Timeout | null = null;
  #running: Running | null = null;
  #decoderConfiguration: Uint8Array | null = null;
  #hasNewConfiguration = false;
  #awaitsKeyframe = false;
  #isEnding = false;
  #closing: Promise<void> | null = null;
  /** When each write began that ffmpeg has not taken yet, oldest first. */
  readonly #waitingSinceMs: number[] = [];
  #messages = '';
  #framesWritten = 0;
  #framesDropped = 0;

  constructor(options: TranscoderOptions) {
    this.#options = options;
    const { media, renditions } = options;
    // What no rendition shows is not waited for.
    this.#preroll = new FramePreroll({
      hasVideo: media.hasVideo && (renditions?.some(({ video }) => video !== null) ?? true),
      hasAudio: media.hasAudio && (renditions?.some(hasSound) ?? true),
    });
  }

  get stats(): TranscoderStats {
    return { framesWritten: this.#framesWritten, framesDropped: this.#framesDropped };
  }

  /** Whether a frame needs another encoding; to be asked once for each frame. */
  judge(frame: EncodedFrame): PassthroughVerdict {
    const verdict = this.#running?.passthrough?.judge(frame) ?? 'goes-on';
    if (verdict !== 'goes-on' || !this.isTurned(frame) || !frame.isKeyframe) return verdict;
    const sinceStartMs = frame.captureTimeMs - (this.#running?.originTimeMs ?? 0);
    return sinceStartMs < leastTurnMs ? 'goes-on' : 'turned';
  }

  /** Whether a picture has to be turned in another way than this encoding does it. */
  isTurned(frame: EncodedFrame): frame is EncodedVideoFrame {
    if (frame.kind !== 'video' || this.#running === null) return false;
    return (frame.rotation ?? 0) !== this.#running.rotation;
  }

  /** Whether the last keyframe stands in for pictures, and only another one can follow it. */
  get needsKeyframe(): boolean {
    return this.#running?.standing?.isStanding === true;
  }

  /** Takes a frame; after `close` or after ffmpeg's end it is dropped and counted. */
  writeFrame(frame: EncodedFrame): void {
    if (this.#isEnding) {
      this.#framesDropped += 1;
      return;
    }
    if (this.#running !== null) {
      this.#feed(this.#running, frame);
      return;
    }
    this.#preroll.push(frame);
    if (this.#preroll.isComplete) this.#start();
    else if (this.#preroll.hasKeyframe) {
      this.#prerollTimer ??= setTimeout(() => this.#start(), maxPrerollMs);
    }
  }

  /** Ends ffmpeg's input and waits, for a bounded time, for the rest of its output. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // What still waited for sound is a broadcast too.
    if (this.#running === null && this.#preroll.hasKeyframe && !this.#isEnding) this.#start();
    this.#isEnding = true;
    this.#stopWaiting();
    const running = this.#running;
    if (running === null) return;
    running.input.end();
    const kill = setTimeout(() => {
      this.#options.logger.warn({ drainTimeoutMs }, 'ffmpeg did not end in time and was killed');
      running.child.kill('SIGKILL');
    }, drainTimeoutMs);
    await running.exited;
    clearTimeout(kill);
  }

  #stopWaiting(): void {
    if (this.#prerollTimer !== null) clearTimeout(this.#prerollTimer);
    this.#prerollTimer = null;
  }

  #start(): void {
    this.#stopWaiting();
    const preroll = this.#preroll.take();
    if (preroll === null || this.#isEnding) return;
    const configuration = preroll.firstKeyframe?.configuration ?? null;
    this.#decoderConfiguration = configuration?.decoderConfiguration ?? null;
    const { ladder, allowsPassthrough } = this.#options;
    const { hasAudio, firstKeyframe } = preroll;
    const rotation = firstKeyframe?.rotation ?? 0;
    const size = shownSize(configuration, rotation);
    const canPass = allowsPassthrough && isPassable(firstKeyframe) && rotation === 0;
    const renditions =
      this.#options.renditions ?? fitLadder(ladder, { size, hasAudio, isPassable: canPass });
    const isPassthrough = canPass && renditions.some(({ isSource }) => isSource === true);
    const running = this.#trySpawn({ renditions, isPassthrough, rotation }, preroll);
    if (running === null) return;
    this.#running = running;
    this.#options.onStart({ renditions, originTimeMs: preroll.originTimeMs });
    this.#write(running, running.writer.header());
    for (const frame of preroll.frames) {
      running.passthrough?.judge(frame);
      this.#feed(running, frame);
    }
  }

  /** `null` when the system has no room for another process, which `onExit` then tells. */
  #trySpawn(plan: Plan, preroll: PrerollResult): Running | null {
    try {
      return this.#spawn(plan, preroll);
    } catch (error) {
      this.#isEnding = true;
      this.#options.onExit({ outcome: 'failed', message: String(error) });
      return null;
    }
  }

  #spawn({ renditions, isPassthrough, rotation }: Plan, preroll: PrerollResult): Running {
    const { ffmpeg, segmentSeconds, logger } = this.#options;
    const { hasFpsMode } = ffmpeg;
    const { frameRate } = preroll;
    const key = preroll.firstKeyframe;
    const isSilent = !preroll.hasAudio && renditions.some(hasSound);
    const fillsSound = key !== null && renditions.some(hasSound);
    const plan = { renditions, segmentSeconds, frameRate, hasFpsMode, isPassthrough, rotation };
    const child = spawn(ffmpeg.path, ffmpegArguments(plan), {
      stdio: ['pipe', 'ignore', 'pipe', ...renditions.map(() => 'pipe' as const)],
      // Its own process group: Ctrl-C in a terminal is for the service, which then ends its input.
      // Should the service be killed, the end of its input ends ffmpeg too.
      detached: true,
    });
    const { stdin, stderr } = child;
    if (stdin === null || stderr === null) throw new Error('ffmpeg was started without its pipes');
    // A broken pipe is told by the exit that follows it.
    stdin.on('error', (error) => logger.debug({ err: error }, 'ffmpeg takes no more input'));
    stderr.on('data', (chunk: Buffer) => {
      this.#messages = (this.#messages + chunk.toString()).slice(-maxMessageChars);
    });
    for (const index of renditions.keys()) {
      const pipe = child.stdio[firstOutputDescriptor + index];
      if (!(pipe instanceof Readable)) throw new Error('ffmpeg was started without its pipes');
      pipe.on('data', (chunk: Buffer) => this.#options.onOutput(index, chunk));
    }
    logger.info(
      { pid: child.pid, isPassthrough, renditions: renditions.map(({ name }) => name) },
      'ffmpeg started',
    );
    return {
      child,
      input: stdin,
      writer: new MatroskaWriter({
        video:
          key?.configuration == null ? null : { codec: key.codec, frameRate, ...key.configuration },
        hasAudio: preroll.hasAudio || isSilent,
      }),
      passthrough: isPassthrough ? new PassthroughWatch(segmentSeconds) : null,
      silence: fillsSound ? new Silence(preroll.hasAudio) : null,
      standing: fillsSound ? new StandingPicture() : null,
      originTimeMs: preroll.originTimeMs,
      hasVideo: key !== null,
      hasAudio: preroll.hasAudio,
      rotation,
      exited: this.#watch(child),
    };
  }

  /** Resolves when ffmpeg is gone and everything it wrote was delivered. */
  #watch(child: ChildProcess): Promise<void> {
    return new Promise((resolve) => {
      child.once('error', (error) => {
        this.#messages += `\n${error.message}`;
      });
      // `close` comes after the end of every pipe, `exit` may come before it.
      child.once('close', (exitCode, signal) => {
        const wasAsked = this.#isEnding;
        this.#isEnding = true;
        const outcome = wasAsked && exitCode === 0 ? 'ended' : 'failed';
        this.#options.logger.info({ exitCode, signal, ...this.stats }, 'ffmpeg ended');
        this.#options.onExit({ outcome, message: this.#messages.trim() });
        resolve();
      });
    });
  }

  #feed(running: Running, frame: EncodedFrame): void {
    const isWanted = frame.kind === 'video' ? running.hasVideo : running.hasAudio;
    const sinceStartMs = frame.captureTimeMs - running.originTimeMs;
    if (
      !isWanted ||
      sinceStartMs < 0 ||
      this.#isTooMuch(running, frame) ||
      !this.#fillPictures(running, frame, sinceStartMs)
    ) {
      this.#framesDropped += 1;
      return;
    }
    const timeMs = Math.max(sinceStartMs, this.#lastTimeMs[frame.kind] + leastStepMs);
    if (frame.kind === 'audio' && running.silence?.hear(timeMs) === false) {
      this.#framesDropped += 1;
      return;
    }
    this.#lastTimeMs[frame.kind] = timeMs;
    this.#framesWritten += 1;
    if (frame.kind === 'video') {
      running.standing?.see(frame, timeMs);
      this.#fillSound(running, timeMs);
    }
    this.#write(
      running,
      running.writer.block({
        track: frame.kind,
        timeMs,
        isKeyframe: frame.kind === 'audio' || frame.isKeyframe,
        payload: frame.kind === 'video' ? this.#decodable(frame) : frame.payload,
      }),
    );
  }

  /** @returns `false` for a picture that cannot follow those that were written in its place */
  #fillPictures(running: Running, frame: EncodedFrame, timeMs: number): boolean {
    const { standing } = running;
    if (standing === null) return true;
    const isPicture = frame.kind === 'video';
    const missing = isPicture ? standing.before(timeMs) : standing.beside(timeMs);
    for (const block of missing) this.#writeStanding(running, block);
    return !isPicture || !standing.isStanding || frame.isKeyframe;
  }

  #writeStanding(running: Running, block: StandingPictureBlock): void {
    const timeMs = Math.max(block.timeMs, this.#lastTimeMs.video + leastStepMs);
    this.#lastTimeMs.video = timeMs;
    const payload = this.#decodable(block.keyframe);
    this.#write(
      running,
      running.writer.block({ track: 'video', timeMs, isKeyframe: true, payload }),
    );
  }

  #fillSound(running: Running, pictureTimeMs: number): void {
    for (const packet of running.silence?.beside(pictureTimeMs) ?? []) {
      this.#write(running, running.writer.block({ track: 'audio', isKeyframe: true, ...packet }));
    }
  }

  #write(running: Running, bytes: Uint8Array): void {
    this.#waitingSinceMs.push(performance.now());
    running.input.write(bytes, () => this.#waitingSinceMs.shift());
  }

  /** Whether the rendition that is the source is a copy of it. */
  get isPassthrough(): boolean {
    return this.#running?.passthrough != null;
  }

  /** How long the oldest write has been waiting for ffmpeg, in milliseconds. */
  get lagMs(): number {
    const [oldestMs] = this.#waitingSinceMs;
    return oldestMs === undefined ? 0 : performance.now() - oldestMs;
  }

  get #maxLagMs(): number {
    return this.#options.maxLagMs ?? defaultMaxLagMs;
  }

  /** Whether ffmpeg is so far behind that frames are dropped until a keyframe can go on. */
  #isTooMuch(running: Running, frame: EncodedFrame): boolean {
    if (running.input.writableLength > maxQueuedBytes || this.lagMs > this.#maxLagMs) {
      if (!this.#awaitsKeyframe && running.hasVideo) {
        this.#awaitsKeyframe = true;
        const lagMs = Math.round(this.lagMs);
        this.#options.logger.warn({ lagMs }, 'ffmpeg is too slow; frames are dropped');
      }
      return true;
    }
    if (this.#awaitsKeyframe && frame.kind === 'video') this.#awaitsKeyframe = !frame.isKeyframe;
    return this.#awaitsKeyframe && frame.kind === 'video';
  }

  /**
   * Once the source has changed its configuration, the one in the track's header is stale: from
   * then on every keyframe carries its parameter sets itself.
   */
  #decodable(frame: EncodedVideoFrame): Uint8Array {
    const configuration = frame.configuration?.decoderConfiguration ?? null;
    const initial = this.#decoderConfiguration;
    // Keyframes of AV1 bring their sequence header along; VP8 and VP9 have nothing to bring.
    if (frame.codec !== 'h264' || configuration === null || initial === null) return frame.payload;
    this.#hasNewConfiguration ||= Buffer.compare(configuration, initial) !== 0;
    if (!this.#hasNewConfiguration) return frame.payload;
    return concatBytes([parameterSetsOf(configuration), frame.payload]);
  }
}
