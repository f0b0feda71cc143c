// Pictures and sound that come from here or there → one segment for hls.js. Delivery loads both and gives
// them to it.

import type { DeliveredSegment } from '../delivery-events.ts';
import { joinInitSections, joinSegments } from './join-tracks.ts';

type Loading = Promise<DeliveredSegment>;

async function joined(
  loadingPictures: Loading,
  loadingSound: Loading,
  join: typeof joinSegments,
): Promise<DeliveredSegment> {
  const [pictures, sound] = await Promise.all([loadingPictures, loadingSound]);
  const { source, transfer } = pictures;
  const finishedAtMs = Math.max(transfer?.finishedAtMs ?? 0, sound.transfer?.finishedAtMs ?? 0);
  return {
    bytes: join(new Uint8Array(pictures.bytes), new Uint8Array(sound.bytes)).buffer,
    source,
    transfer: transfer && { ...transfer, finishedAtMs },
  };
}

export function joinedInit(pictures: Loading, sound: Loading): Promise<DeliveredSegment> {
  return joined(pictures, sound, joinInitSections);
}

export function joinedSegment(pictures: Loading, sound: Loading): Promise<DeliveredSegment> {
  return joined(pictures, sound, joinSegments);
}
