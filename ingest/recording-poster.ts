// The poster of a recording: the first picture of its best rendition, made as soon as the first
// segment is there. The broadcast calls it; the origin serves it beside the recording's playlist.

import type { Presentation } from './origin/live-stream.ts';
import type { MediaObjects } from './origin/media-objects.ts';
import { mediaKey, posterKey } from './origin/object-keys.ts';
import { initSectionName, segmentName } from './protocol/index.ts';
import type { Ffmpeg } from './transcode/ffmpeg-resolver.ts';
import { makePicture } from './transcode/still-picture.ts';

const firstGeneration = 0;

/**
 * @returns whether there is a poster now; broadcasts without pictures get none
 * @throws IngestError `store-unavailable`
 */
export async function storePoster(
  ffmpeg: Ffmpeg,
  objects: MediaObjects,
  presentation: Presentation,
): Promise<boolean> {
  const { stream, recording, firstSequenceNumber } = presentation;
  const best = presentation.renditionInfos.toSorted((a, b) => b.heightPx - a.heightPx)[0];
  const rendition = presentation.renditions.find(({ name }) => name === best?.name);
  if (rendition === undefined || best === undefined || best.heightPx === 0) return false;
  const names = [initSectionName(firstGeneration), segmentName(firstSequenceNumber)];
  const media: Uint8Array[] = [];
  for (const name of names) {
    const object = await objects.get(mediaKey(presentation, rendition.name, name));
    if (object === null) return false;
    media.push(object.bytes);
  }
  const poster = await makePicture(ffmpeg, media, null);
  if (poster === null) return false;
  await objects.put(posterKey(stream, recording), poster);
  return true;
}
