// What can still be shown of a broadcast that another server left in the store they share: a server
// that dies takes the newest segments with it. The composition root asks before it goes on with it.

import { segmentName } from '../protocol/index.ts';
import { mediaKey } from './object-keys.ts';
import type { OriginStore } from './origin-store.ts';
import type { RecordingDescription } from './recording-description.ts';

/** Uploads are at most this far behind while the store answers. */
const checkedSegments = 16;

/**
 * The broadcast up to before its first lost segment, in all renditions alike.
 * @throws IngestError `store-unavailable`
 */
export async function withoutLostSegments(
  description: RecordingDescription,
  store: OriginStore,
): Promise<RecordingDescription> {
  const checks = description.renditions.flatMap(({ name, segments }) =>
    segments.slice(-checkedSegments).map(async ({ sequenceNumber }) => {
      const key = mediaKey(description, name, segmentName(sequenceNumber));
      return (await store.size(key)) === null ? sequenceNumber : Number.POSITIVE_INFINITY;
    }),
  );
  const firstLost = Math.min(Number.POSITIVE_INFINITY, ...(await Promise.all(checks)));
  return {
    ...description,
    renditions: description.renditions.map((rendition) => ({
      ...rendition,
      segments: rendition.segments.filter(({ sequenceNumber }) => sequenceNumber < firstLost),
    })),
  };
}
