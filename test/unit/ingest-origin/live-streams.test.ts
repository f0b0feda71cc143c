// What a stream shows while broadcasts come and go.

import { makeRecordingId } from '@shoal/ingest/protocol';
import { describe, expect, it } from 'vitest';
import { LiveStreams } from '../../../ingest/origin/live-stream.ts';
import { MediaObjects } from '../../../ingest/origin/media-objects.ts';
import { MemoryStore } from '../../../ingest/origin/memory-store.ts';
import { streamId } from '../../support/ingest-for-test.ts';
import { beginPresentation, listSegment } from '../../support/presentation-for-test.ts';

const demo = streamId('demo');

function setUp() {
  const streams = new LiveStreams({ segmentSeconds: 2, windowSeconds: 12, isRecorded: true });
  return { streams, objects: new MediaObjects(new MemoryStore()) };
}

describe('LiveStreams', () => {
  it('shows the multivariant playlist when every rendition has a segment', async () => {
    const { streams } = setUp();
    const startedAt = new Date(0);
    const presentation = streams.begin(demo, makeRecordingId(startedAt, 'aaaaaa'), startedAt);
    const bitrates = { videoBitrateBps: 1, audioBitrateBps: 1 };
    presentation.announce([
      { name: 'high', ...bitrates },
      { name: 'low', ...bitrates },
    ]);
    const segment = { sequenceNumber: 0, durationSeconds: 2, programDateTimeMs: 0, sizeBytes: 1 };
    const [high, low] = presentation.renditions;
    for (const rendition of [high, low]) {
      expect(presentation.snapshot).toBeNull();
      rendition?.addInitSection(0, '0'.repeat(64), { widthPx: 2, heightPx: 2, codecs: 'x' });
      rendition?.list(
        { ...segment, digest: '0'.repeat(64), generation: 0, signature: null, pieceRoot: null },
        1,
      );
    }
    expect(presentation.snapshot?.text).toContain('low/index.m3u8');
  });

  it('goes on after the last number when a stream is broadcast again', async () => {
    const { streams, objects } = setUp();
    const first = await beginPresentation(streams, objects, demo, 'aaaaaa');
    for (const number of [0, 1, 2]) await listSegment(first, objects, number, 10, 2);
    first.end(new Date());
    const second = await beginPresentation(streams, objects, demo, 'bbbbbb');
    expect(second.firstSequenceNumber).toBe(3);
    expect(streams.get(demo)).toBe(second);
    second.end(new Date());
    expect((await beginPresentation(streams, objects, demo, 'cccccc')).firstSequenceNumber).toBe(3);
  });

  it('leaves room for a broadcast that still finishes', async () => {
    const { streams, objects } = setUp();
    const first = await beginPresentation(streams, objects, demo, 'aaaaaa');
    await listSegment(first, objects, 0, 10, 2);
    const second = await beginPresentation(streams, objects, demo, 'bbbbbb');
    expect(second.firstSequenceNumber).toBeGreaterThan(2);
  });

  it('goes on after what another server has left, with gaps for what is lost', async () => {
    const { streams: there, objects } = setUp();
    const first = await beginPresentation(there, objects, demo, 'aaaaaa');
    for (const number of [0, 1, 2]) await listSegment(first, objects, number, 10, 2);
    const { streams } = setUp();
    streams.adopt(first.describe(), 4);
    const second = await beginPresentation(streams, objects, demo, 'bbbbbb');
    expect(second.firstSequenceNumber).toBe(5);
    await listSegment(second, objects, 5, 10, 2);
    const lines = second.renditions[0]?.snapshot?.text.split('\n') ?? [];
    expect(lines.filter((line) => /^[^#]/.test(line) || /MAP:|DISC|GAP/.test(line))).toEqual([
      ...['#EXT-X-DISCONTINUITY-SEQUENCE:0', `#EXT-X-MAP:URI="${first.recording}/init-0.mp4"`],
      ...[0, 1, 2].map((number) => `${first.recording}/${number}.m4s`),
      ...[3, 4].flatMap((number) => ['#EXT-X-GAP', `${first.recording}/${number}.m4s`]),
      ...['#EXT-X-DISCONTINUITY', `#EXT-X-MAP:URI="${second.recording}/init-0.mp4"`],
      `${second.recording}/5.m4s`,
    ]);
    // The recording has what it was made of alone.
    const [recorded] = second.describe().renditions;
    expect(recorded?.segments.map(({ sequenceNumber }) => sequenceNumber)).toEqual([5]);
    expect(recorded?.initSections).toHaveLength(1);
    expect(second.discontinuitySequence).toBe(1);
  });

  it('leaves room after what another server has left when nobody knows its last number', async () => {
    const { streams: there, objects } = setUp();
    const first = await beginPresentation(there, objects, demo, 'aaaaaa');
    for (const number of [0, 1, 2]) await listSegment(first, objects, number, 10, 2);
    for (const lastNumber of [null, 1, 300]) {
      const { streams } = setUp();
      streams.adopt(first.describe(), lastNumber);
      const second = await beginPresentation(streams, objects, demo, 'bbbbbb');
      expect(second.firstSequenceNumber).toBeGreaterThan(10);
      await listSegment(second, objects, second.firstSequenceNumber, 10, 2);
      expect(second.renditions[0]?.segments).toHaveLength(1);
    }
  });

  it('keeps the whole broadcast for the recording, also what has left the window', async () => {
    const { streams, objects } = setUp();
    const presentation = await beginPresentation(streams, objects, demo);
    for (let number = 0; number < 20; number += 1) {
      await listSegment(presentation, objects, number, 10, 2);
    }
    const [rendition] = presentation.renditions;
    expect(rendition?.firstSequenceNumber).toBe(14);
    expect(presentation.describe().renditions[0]?.segments).toHaveLength(20);
    const part = presentation.describe(16, 32).renditions[0]?.segments;
    expect(part?.map(({ sequenceNumber }) => sequenceNumber)).toEqual([16, 17, 18, 19]);
  });

  it('frees a waiter when its client leaves', async () => {
    const { streams, objects } = setUp();
    const presentation = await beginPresentation(streams, objects, demo);
    await listSegment(presentation, objects, 0, 10, 2);
    const client = new AbortController();
    const [rendition] = presentation.renditions;
    const waiting = rendition?.waitFor(1, 60_000, client.signal);
    client.abort();
    await expect(waiting).resolves.toBeUndefined();
  });
});
