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
  readonly playlistUrl: string;
  readonly renditions: readonly RenditionInfo[];
}

export interface StreamList {
  readonly streams: readonly StreamInfo[];
  readonly recordings: readonly RecordingInfo[];
}
