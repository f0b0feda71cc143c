// What ingest and its clients agree on: identifiers, URL layout, playlist tags and API shapes.
// Pure and isomorphic; the tracker and the player import nothing else of ingest.

export {
  formatInitDigestTag,
  formatSegmentDigestTag,
  initDigestTagName,
  parseDigestAttributes,
  type Sha256Hex,
  segmentDigestTagName,
} from './digest-tags.ts';
export {
  makeRecordingId,
  parseRecordingId,
  parseRenditionName,
  parseStreamId,
  type RecordingId,
  type RenditionName,
  type StreamId,
} from './ids.ts';
export {
  initSectionName,
  liveMediaPlaylistPath,
  livePlaylistPath,
  recordingPlaylistPath,
  segmentName,
  streamOfLiveUrl,
} from './origin-layout.ts';
export type {
  RecordingInfo,
  RenditionInfo,
  StreamInfo,
  StreamList,
  StreamState,
} from './stream-list.ts';
