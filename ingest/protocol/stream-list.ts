// The answer of GET /api/v1/streams: what is live, what was recorded, and how much media the
// origin has sent for it. The tracker reads the last part to compare with what viewers report.

export type StreamState = 'live' | 'reconnecting' | 'ended';

export interface RenditionInfo {
  readonly name: string;
  readonly widthPx: number;
  readonly heightPx: number;
  /** Peak bit rate as announced in the multivariant playlist. */
  readonly bandwidthBps: number;
  /** RFC 6381 codecs, for example `avc1.4d401f,mp4a.40.2`. */
  readonly codecs: string;
}

export interface StreamInfo {
  readonly id: string;
  readonly state: StreamState;
  /** ISO 8601. */
  readonly startedAt: string;
  /** ISO 8601; `null` while live. */
  readonly endedAt: string | null;
  readonly playlistUrl: string;
  readonly renditions: readonly RenditionInfo[];
  /** Bytes of segments and init sections that the origin has sent since the service started. */
  readonly originEgressBytes: number;
}

export interface RecordingInfo {
  readonly id: string;
  readonly stream: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly durationSeconds: number;
  /** Of all segments. */
  readonly sizeBytes: number;
  /** A JPEG of the first picture; `null` without pictures. */
  readonly posterUrl: string | null;
  /** A WebVTT track of pictures for a seek bar; `null` without pictures. */
  readonly thumbnailsUrl: string | null;
  readonly playlistUrl: string;
  readonly renditions: readonly RenditionInfo[];
}

export interface StreamList {
  readonly streams: readonly StreamInfo[];
  readonly recordings: readonly RecordingInfo[];
}

/** How one medium of a publisher arrives; counts and averages are since it connected. */
export interface PublisherTrackInfo {
  readonly kind: 'video' | 'audio';
  readonly codec: string;
  readonly averageBitrateBps: number;
  readonly framesPerSecond: number;
  readonly receivedPackets: number;
  /** Packets that were missing and came after all. */
  readonly recoveredPackets: number;
  readonly lostPackets: number;
  /** Frames that could not be decoded after a loss. */
  readonly droppedFrames: number;
  readonly jitterMs: number;
  readonly rttMs: number;
}

/** How the encoder of the running broadcast does. */
export interface EncoderInfo {
  /** Times that a publisher vanished and came back. */
  readonly reconnects: number;
  /** Times that the encoder died and was started again. */
  readonly restarts: number;
  /** Renditions that it was too slow for, and does without since. */
  readonly shedRenditions: number;
  readonly writtenFrames: number;
  /** Frames that the encoder was too slow for. */
  readonly droppedFrames: number;
  /** From the capture of the last listed segment's last frame to its listing; `null` before one. */
  readonly listingDelaySeconds: number | null;
}

/** The answer of GET /api/v1/streams/{stream}. */
export interface StreamDetails extends StreamInfo {
  /** `null` while nobody publishes. */
  readonly publisher: {
    readonly connectedSeconds: number;
    readonly tracks: readonly PublisherTrackInfo[];
  } | null;
  /** `null` when no broadcast runs. */
  readonly encoder: EncoderInfo | null;
}
