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
  liveThumbnailsPath,
  recordingPlaylistPath,
  recordingPosterPath,
  recordingThumbnailsPath,
  segmentName,
  streamOfLiveUrl,
} from './origin-layout.ts';
export {
  formatPieceAttributes,
  type PieceRoot,
  parsePieceAttributes,
  pieceCount,
  pieceDigestBytes,
  pieceListHeader,
  pieceSizeBytes,
} from './piece-list.ts';
export {
  formatSignatureAttribute,
  type IntegrityKey,
  parseSignatureAttribute,
  type SegmentClaim,
  SegmentVerifier,
  segmentSignedText,
} from './segment-signature.ts';
export type {
  EncoderInfo,
  PublisherTrackInfo,
  RecordingInfo,
  RenditionInfo,
  StreamDetails,
  StreamInfo,
  StreamList,
  StreamState,
} from './stream-list.ts';
