// What the signature of a segment says, put together from where the segment is: the origin's URLs
// name stream, recording and rendition. Pure; the signature check compares it with the key.

import type { SegmentClaim, Sha256Hex } from '@shoal/ingest/protocol';

/** A segment as its playlist describes it. */
export interface DescribedSegment {
  readonly url: string;
  readonly mediaSequenceNumber: number;
  readonly discontinuitySequence: number;
  readonly digest: Sha256Hex;
  readonly initDigest: Sha256Hex;
}

const id = '[a-z0-9][a-z0-9_-]{0,62}';
const livePath = new RegExp(`/live/(${id})/(${id})/(${id})/\\d+\\.m4s$`);
const recordedPath = new RegExp(`/vod/(${id})/(${id})/(${id})/\\d+\\.m4s$`);

/** `null` for a URL that is none of a Shoal origin: nothing can be claimed of it. */
export function claimOf(segment: DescribedSegment): SegmentClaim | null {
  const [path = ''] = segment.url.split(/[?#]/);
  const { mediaSequenceNumber, discontinuitySequence, digest, initDigest } = segment;
  const rest = { mediaSequenceNumber, discontinuitySequence, digest, initDigest };
  const live = livePath.exec(path);
  if (live) {
    const [, stream = '', rendition = '', recording = ''] = live;
    return { stream, rendition, recording, ...rest };
  }
  const recorded = recordedPath.exec(path);
  if (!recorded) return null;
  const [, stream = '', recording = '', rendition = ''] = recorded;
  return { stream, rendition, recording, ...rest };
}
