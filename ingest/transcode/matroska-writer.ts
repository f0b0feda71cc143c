// Pure: encoded frames → the live Matroska stream (RFC 9559) that ffmpeg reads on standard input.
// The transcoder gives it times that start at zero and writes what it returns.

import type { VideoCodec } from '../rtp/encoded-frame.ts';
import {
  concatBytes,
  element,
  elementIds,
  floatElement,
  openElement,
  sizeBytes,
  textElement,
  unsignedElement,
} from './ebml.ts';

export interface MatroskaVideoTrack {
  readonly codec: VideoCodec;
  readonly widthPx: number;
  readonly heightPx: number;
  /** Pictures per second, as far as is known. */
  readonly frameRate: number;
  /** The codec's own record for H.264 and AV1, `null` for VP8 and VP9. */
  readonly decoderConfiguration: Uint8Array | null;
}

/** Sound is always Opus, stereo at 48 kHz (RFC 7587 §4.1). */
export interface MatroskaTracks {
  readonly video: MatroskaVideoTrack | null;
  readonly hasAudio: boolean;
}

export interface MatroskaBlock {
  readonly track: 'video' | 'audio';
  /** Time since the start of the broadcast in milliseconds, not negative. */
  readonly timeMs: number;
  readonly isKeyframe: boolean;
  readonly payload: Uint8Array;
}

/** One tick is 0.1 ms: fine enough for 90 kHz video, coarse enough for clusters of 3 s. */
const ticksPerMs = 10;
const timestampScaleNs = 1_000_000 / ticksPerMs;
/** A block's time is a signed 16-bit offset from its cluster: ±3.2 s; new clusters keep it below. */
const maxClusterTicks = 2_500 * ticksPerMs;
/** A keyframe begins a cluster if the current one is at least this old. */
const minClusterTicks = 1_000 * ticksPerMs;
const trackNumbers = { video: 1, audio: 2 } as const;
const sampleRateHz = 48_000;
const channelCount = 2;
/** Opus needs 80 ms after a start to converge (RFC 7845 §4.6); none is cut from a live stream. */
const opusPreSkipSamples = 0;

/** Codec identifiers of Matroska (RFC 9559 leaves them to a registry). */
const videoCodecIds: Readonly<Record<VideoCodec, string>> = {
  h264: 'V_MPEG4/ISO/AVC',
  vp8: 'V_VP8',
  vp9: 'V_VP9',
  av1: 'V_AV1',
};

/** The identification header of RFC 7845 §5.1. */
function opusHead(): Uint8Array {
  const bytes = new Uint8Array(19);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode('OpusHead'));
  view.setUint8(8, 1);
  view.setUint8(9, channelCount);
  view.setUint16(10, opusPreSkipSamples, true);
  view.setUint32(12, sampleRateHz, true);
  return bytes;
}

function videoEntry(track: MatroskaVideoTrack): Uint8Array {
  const configuration = track.decoderConfiguration;
  return element(
    elementIds.trackEntry,
    unsignedElement(elementIds.trackNumber, trackNumbers.video),
    unsignedElement(elementIds.trackUid, trackNumbers.video),
    unsignedElement(elementIds.flagLacing, 0),
    unsignedElement(elementIds.trackType, 1),
    // ffmpeg takes the frame rate from here: without it, a time base of 1/90000 becomes a frame rate
    // of 90000 and rate control gives 162 kbit/s instead of 2.5 Mbit/s.
    unsignedElement(elementIds.defaultDuration, Math.round(1_000_000_000 / track.frameRate)),
    textElement(elementIds.codecId, videoCodecIds[track.codec]),
    ...(configuration === null ? [] : [element(elementIds.codecPrivate, configuration)]),
    element(
      elementIds.video,
      unsignedElement(elementIds.pixelWidth, track.widthPx),
      unsignedElement(elementIds.pixelHeight, track.heightPx),
    ),
  );
}

function audioEntry(): Uint8Array {
  return element(
    elementIds.trackEntry,
    unsignedElement(elementIds.trackNumber, trackNumbers.audio),
    unsignedElement(elementIds.trackUid, trackNumbers.audio),
    unsignedElement(elementIds.flagLacing, 0),
    unsignedElement(elementIds.trackType, 2),
    textElement(elementIds.codecId, 'A_OPUS'),
    element(elementIds.codecPrivate, opusHead()),
    element(
      elementIds.audio,
      floatElement(elementIds.samplingFrequency, sampleRateHz),
      unsignedElement(elementIds.channels, channelCount),
    ),
  );
}

/** Writes one live Matroska segment: the header once, then blocks. */
export class MatroskaWriter {
  readonly #tracks: MatroskaTracks;
  #clusterTicks: number | null = null;

  constructor(tracks: MatroskaTracks) {
    this.#tracks = tracks;
  }

  /** What stands before the first block. */
  header(): Uint8Array {
    const { video, hasAudio } = this.#tracks;
    return concatBytes([
      element(
        elementIds.ebml,
        unsignedElement(elementIds.ebmlVersion, 1),
        unsignedElement(elementIds.ebmlReadVersion, 1),
        unsignedElement(elementIds.ebmlMaxIdLength, 4),
        unsignedElement(elementIds.ebmlMaxSizeLength, 8),
        textElement(elementIds.docType, 'matroska'),
        unsignedElement(elementIds.docTypeVersion, 4),
        unsignedElement(elementIds.docTypeReadVersion, 2),
      ),
      openElement(elementIds.segment),
      element(
        elementIds.info,
        unsignedElement(elementIds.timestampScale, timestampScaleNs),
        textElement(elementIds.muxingApp, 'shoal'),
        textElement(elementIds.writingApp, 'shoal'),
      ),
      element(
        elementIds.tracks,
        ...(video === null ? [] : [videoEntry(video)]),
        ...(hasAudio ? [audioEntry()] : []),
      ),
    ]);
  }

  /**
   * A SimpleBlock (RFC 9559 §10.2), behind a new cluster where one is due.
   * @throws RangeError for a negative time
   */
  block(block: MatroskaBlock): Uint8Array {
    const ticks = Math.round(block.timeMs * ticksPerMs);
    if (!(ticks >= 0)) throw new RangeError(`a block cannot stand at ${block.timeMs} ms`);
    const cluster = this.#clusterFor(ticks, block);
    const head = new Uint8Array(4);
    const view = new DataView(head.buffer);
    view.setUint8(0, 0x80 | trackNumbers[block.track]);
    view.setInt16(1, ticks - cluster.ticks);
    view.setUint8(3, block.isKeyframe ? 0x80 : 0);
    return concatBytes([
      ...cluster.opening,
      Uint8Array.of(elementIds.simpleBlock),
      sizeBytes(head.length + block.payload.length),
      head,
      block.payload,
    ]);
  }

  #clusterFor(ticks: number, block: MatroskaBlock) {
    const current = this.#clusterTicks;
    if (current !== null) {
      const age = ticks - current;
      const isKeyPicture = block.track === 'video' && block.isKeyframe;
      const isDue = Math.abs(age) > maxClusterTicks || (isKeyPicture && age >= minClusterTicks);
      if (!isDue) return { ticks: current, opening: [] };
    }
    this.#clusterTicks = ticks;
    return {
      ticks,
      opening: [openElement(elementIds.cluster), unsignedElement(elementIds.timestamp, ticks)],
    };
  }
}
