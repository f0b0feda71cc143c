// One encoded picture or audio packet, as depacketizers give it and the transcoder takes it.
// All frames of a session share one timeline: the wall clock of this server.

import type { Rotation } from './video-orientation.ts';

export type VideoCodec = 'h264' | 'vp8' | 'vp9' | 'av1';
export type AudioCodec = 'opus';

/** What a decoder must know before the first picture; comes with every keyframe. */
export interface VideoConfiguration {
  readonly widthPx: number;
  readonly heightPx: number;
  /**
   * H.264: AVCDecoderConfigurationRecord (ISO/IEC 14496-15 §5.3.3.1); AV1: the record of its ISO
   * binding (§2.3); VP8 and VP9: `null`.
   */
  readonly decoderConfiguration: Uint8Array | null;
}

export interface EncodedVideoFrame {
  readonly kind: 'video';
  readonly codec: VideoCodec;
  /** Time of capture in milliseconds since the Unix epoch, by this server's clock; fractional. */
  readonly captureTimeMs: number;
  readonly isKeyframe: boolean;
  /**
   * H.264: NAL units, each behind its length in four bytes; VP8: the frame of RFC 6386; VP9: a
   * frame or superframe; AV1: a temporal unit of OBUs with sizes, without its delimiter.
   */
  readonly payload: Uint8Array;
  /** Set on keyframes, `null` on all others. */
  readonly configuration: VideoConfiguration | null;
  /** How it has to be turned to be looked at; not at all when absent. */
  readonly rotation?: Rotation;
}

export interface EncodedAudioFrame {
  readonly kind: 'audio';
  readonly codec: AudioCodec;
  readonly captureTimeMs: number;
  /** One Opus packet (RFC 6716 §3). */
  readonly payload: Uint8Array;
}

export type EncodedFrame = EncodedVideoFrame | EncodedAudioFrame;
