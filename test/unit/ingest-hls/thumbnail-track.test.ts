// The WebVTT track of thumbnails: times, and cues that follow each other.

import { describe, expect, it } from 'vitest';
import { formatThumbnailTrack } from '../../../ingest/hls/thumbnail-track.ts';

describe('a thumbnail track', () => {
  it('shows each picture until the next one', () => {
    const cues = [
      { uri: 'thumbnails/0.jpg', startSeconds: 0 },
      { uri: 'thumbnails/5.jpg', startSeconds: 10.0204 },
    ];
    expect(formatThumbnailTrack({ cues, endSeconds: 3_723.5, zeroTimeMs: null })).toBe(
      [
        'WEBVTT',
        '00:00:00.000 --> 00:00:10.020\nthumbnails/0.jpg',
        '00:00:10.020 --> 01:02:03.500\nthumbnails/5.jpg\n',
      ].join('\n\n'),
    );
  });

  it('names the date of zero for live streams, and leaves out cues without a length', () => {
    const cues = [{ uri: 'a.jpg', startSeconds: 4 }];
    const track = { cues, endSeconds: 4, zeroTimeMs: Date.UTC(2026, 10, 25, 10) };
    expect(formatThumbnailTrack(track)).toBe(
      'WEBVTT\nX-PROGRAM-DATE-TIME=2026-11-25T10:00:00.000Z\n',
    );
  });
});
