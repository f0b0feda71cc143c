// The bounded store of verified segments: what it keeps, what it gives up first.
// player/delivery/segment-store.ts.

import { describe, expect, it } from 'vitest';
import type { MediaSegment } from '../../../player/delivery/media-segment.ts';
import { SegmentStore } from '../../../player/delivery/segment-store.ts';

function segment(mediaSequenceNumber: number): MediaSegment {
  return {
    url: `http://origin.test/${mediaSequenceNumber}.m4s`,
    mediaSequenceNumber,
    startSeconds: mediaSequenceNumber * 2,
    durationSeconds: 2,
    digest: null,
    pieces: null,
  };
}

describe('SegmentStore', () => {
  it('gives up the oldest segments first when it is full', () => {
    const store = new SegmentStore(250);
    for (const number of [7, 5, 6]) store.add(segment(number), new ArrayBuffer(100));
    expect([5, 6, 7].map((number) => store.has(segment(number).url))).toEqual([false, true, true]);
    expect(store.sizeBytes).toBe(200);
  });

  it('does not keep a segment that is larger than the whole store', () => {
    const store = new SegmentStore(50);
    store.add(segment(1), new ArrayBuffer(51));
    expect(store.sizeBytes).toBe(0);
  });

  it('counts a segment once however often it is added', () => {
    const store = new SegmentStore(500);
    store.add(segment(1), new ArrayBuffer(100));
    store.add(segment(1), new ArrayBuffer(100));
    expect(store.sizeBytes).toBe(100);
  });

  it('drops what has left the playlist', () => {
    const store = new SegmentStore(500);
    for (const number of [1, 2, 3]) store.add(segment(number), new ArrayBuffer(100));
    store.retain(new Set([segment(3).url]));
    expect(store.get(segment(2).url)).toBeUndefined();
    expect(store.get(segment(3).url)?.byteLength).toBe(100);
    expect(store.sizeBytes).toBe(100);
  });
});
