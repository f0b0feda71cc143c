// One run of the encoder within a broadcast: frames → transcoder → packagers → rows of segments.
// A broadcast has one per publisher session, and one more each time that ffmpeg dies.

import type { Logger } from 'pino';
import type { LadderRung } from './environment.ts';
import { type OutputRow, OutputRows } from './hls/output-rows.ts';
import { Packager, type PackagerOutput } from './hls/packager.ts';
import { SoundPackager } from './hls/sound-packager.ts';
import type { EncodedFrame } from './rtp/encoded-frame.ts';
import type { Ffmpeg } from './transcode/ffmpeg-resolver.ts';
import type { Rendition } from './transcode/fit-ladder.ts';
import type { PassthroughVerdict } from './transcode/passthrough.ts';
import {
  Transcoder,
  type TranscoderExit,
  type TranscoderStart,
  type TranscoderStats,
} from './transcode/transcoder.ts';
import type { SessionMedia } from './whip/broadcast-sink.ts';

export interface EncodingOptions {
  readonly ffmpeg: Ffmpeg;
  readonly ladder: readonly LadderRung[];
  /** Those of the broadcast; `null` before it has any. */
  readonly renditions: readonly Rendition[] | null;
  readonly segmentSeconds: number;
  readonly allowsPassthrough: boolean;
  readonly media: SessionMedia;
  readonly logger: Logger;
  /** Once, before the first row. */
  readonly onStart: (start: TranscoderStart) => void;
  /** First the init sections, then segments. */
  readonly onRow: (row: OutputRow) => void;
  /** ffmpeg ended before it was asked to, or cannot be understood; called at most once. */
  readonly onFailure: (message: string, error?: unknown) => void;
}

export class Encoding {
  readonly #options: EncodingOptions;
  readonly #transcoder: Transcoder;
  #packagers: readonly (Packager | SoundPackager)[] = [];
  /** The rendition whose segments tell the sound where to be cut; all with pictures are cut alike. */
  #leadingIndex: number | null = null;
  #rows = new OutputRows(0);
  #isClosing = false;
  #hasFailed = false;

  constructor(options: EncodingOptions) {
    this.#options = options;
    const { ffmpeg, ladder, renditions, segmentSeconds, media, logger } = options;
    const { allowsPassthrough } = options;
    this.#transcoder = new Transcoder({
      ...{ ffmpeg, ladder, renditions, segmentSeconds, media, logger, allowsPassthrough },
      onStart: (start) => this.#onStart(start),
      onOutput: (index, chunk) => this.#onOutput(index, chunk),
      onExit: (exit) => this.#onExit(exit),
    });
  }

  get stats(): TranscoderStats {
    return this.#transcoder.stats;
  }

  /** Whether a frame needs another encoding; to be asked once for each frame. */
  judge(frame: EncodedFrame): PassthroughVerdict {
    return this.#transcoder.judge(frame);
  }

  /** Whether a picture has to be turned in another way than this encoding does it. */
  isTurned(frame: EncodedFrame): boolean {
    return this.#transcoder.isTurned(frame);
  }

  /** Whether the last keyframe stands in for pictures, and only another one can follow it. */
  get needsKeyframe(): boolean {
    return this.#transcoder.needsKeyframe;
  }

  /** How far ffmpeg is behind, in milliseconds. */
  get lagMs(): number {
    return this.#transcoder.lagMs;
  }

  /** Whether the rendition that is the source is a copy of it. */
  get isPassthrough(): boolean {
    return this.#transcoder.isPassthrough;
  }

  writeFrame(frame: EncodedFrame): void {
    this.#transcoder.writeFrame(frame);
  }

  /** Resolves when the last row was handed over; idempotent. */
  close(): Promise<void> {
    this.#isClosing = true;
    return this.#transcoder.close();
  }

  #onStart(start: TranscoderStart): void {
    const { segmentSeconds } = this.#options;
    const leadingIndex = start.renditions.findIndex(({ video }) => video !== null);
    this.#leadingIndex = leadingIndex === -1 ? null : leadingIndex;
    // Sound alone has nobody to follow.
    this.#packagers = start.renditions.map(({ video }) =>
      video === null && this.#leadingIndex !== null
        ? new SoundPackager({ segmentSeconds })
        : new Packager({ segmentSeconds }),
    );
    this.#rows = new OutputRows(start.renditions.length);
    this.#options.onStart(start);
  }

  #onOutput(index: number, chunk: Uint8Array): void {
    const packager = this.#packagers[index];
    if (packager === undefined || this.#hasFailed) return;
    try {
      this.#take(index, packager.push(chunk), false);
    } catch (error) {
      this.#fail('ffmpeg wrote what the packager cannot read', error);
    }
  }

  #onExit({ outcome, message }: TranscoderExit): void {
    if (!this.#hasFailed) {
      // Also of an ffmpeg that died: whole fragments arrived, and they play.
      // The sound comes after the pictures that cut it.
      for (const [index, packager] of this.#packagers.entries()) {
        this.#take(index, packager.end(), true);
      }
    }
    const { logger } = this.#options;
    const { incompleteCount } = this.#rows;
    if (incompleteCount > 0) {
      logger.warn({ incompleteCount }, 'segments that not every rendition has were left out');
    }
    if (outcome === 'failed') this.#fail(`ffmpeg failed: ${message}`);
    else if (message !== '') logger.debug({ ffmpeg: message }, 'ffmpeg had remarks');
  }

  /** @param isEnding whether they are the last of their rendition */
  #take(index: number, outputs: readonly PackagerOutput[], isEnding: boolean): void {
    for (const output of outputs) {
      this.#handOver(index, output);
      if (output.kind !== 'segment' || index !== this.#leadingIndex) continue;
      for (const [soundIndex, packager] of this.#packagers.entries()) {
        if (!(packager instanceof SoundPackager)) continue;
        const segments = packager.cutAt(output.mediaEndSeconds, isEnding);
        for (const segment of segments) this.#handOver(soundIndex, segment);
      }
    }
  }

  #handOver(index: number, output: PackagerOutput): void {
    const row = this.#rows.push(index, output);
    if (row !== null) this.#options.onRow(row);
  }

  /** What fails while it closes has no successor: what it gave is all there is. */
  #fail(message: string, error?: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    if (this.#isClosing) {
      this.#options.logger.warn({ err: error, reason: message }, 'the encoder ended with an error');
      return;
    }
    this.#options.onFailure(message, error);
  }
}
