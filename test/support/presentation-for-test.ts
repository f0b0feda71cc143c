// A broadcast whose segments are random bytes, listed by hand: for tests of the origin in which
// no picture matters.

import { randomBytes } from 'node:crypto';
import { makeRecordingId, type StreamId } from '@shoal/ingest/protocol';
import type { LiveStreams, Presentation } from '../../ingest/origin/live-stream.ts';
import type { MediaObjects } from '../../ingest/origin/media-objects.ts';
import { mediaKey } from '../../ingest/origin/object-keys.ts';

const format = { widthPx: 64, heightPx: 36, codecs: 'avc1.4d400a,mp4a.40.2' };

/** A broadcast of one rendition, `tiny`, with its init section and no segment. */
export async function beginPresentation(
  streams: LiveStreams,
  objects: MediaObjects,
  stream: StreamId,
  randomness = 'abc123',
): Promise<Presentation> {
  const startedAt = new Date(Date.UTC(2026, 10, 22, 9, 0, 0));
  const presentation = streams.begin(stream, makeRecordingId(startedAt, randomness), startedAt);
  presentation.announce([{ name: 'tiny', videoBitrateBps: 100_000, audioBitrateBps: 32_000 }]);
  for (const rendition of presentation.renditions) {
    const key = mediaKey(presentation, rendition.name, 'init-0.mp4');
    rendition.addInitSection(0, await objects.put(key, randomBytes(700)), format);
  }
  return presentation;
}

/** Stores and lists one segment per rendition. */
export async function listSegment(
  presentation: Presentation,
  objects: MediaObjects,
  sequenceNumber: number,
  sizeBytes: number,
  durationSeconds: number,
): Promise<Buffer> {
  const bytes = randomBytes(sizeBytes);
  for (const rendition of presentation.renditions) {
    const key = mediaKey(presentation, rendition.name, `${sequenceNumber}.m4s`);
    const digest = await objects.put(key, bytes);
    const offset = sequenceNumber - presentation.firstSequenceNumber;
    const programDateTimeMs = presentation.startedAt.getTime() + offset * durationSeconds * 1000;
    rendition.list(
      {
        ...{ sequenceNumber, durationSeconds, programDateTimeMs, digest, sizeBytes },
        ...{ generation: 0, signature: null, pieceRoot: null },
      },
      50,
    );
  }
  return bytes;
}
