// Small pictures of a broadcast, one about every ten seconds, for the seek bar of players. The
// broadcast calls it after each listed segment; the origin serves what it has stored.

import type { Logger } from 'pino';
import type { LiveRendition } from './origin/live-rendition.ts';
import type { Presentation } from './origin/live-stream.ts';
import type { MediaObjects } from './origin/media-objects.ts';
import { mediaKey, thumbnailKey } from './origin/object-keys.ts';
import { initSectionName, segmentName } from './protocol/index.ts';
import type { Ffmpeg } from './transcode/ffmpeg-resolver.ts';
import { makePicture } from './transcode/still-picture.ts';

export interface ThumbnailMakerOptions {
  readonly ffmpeg: Ffmpeg;
  readonly objects: MediaObjects;
  readonly presentation: Presentation;
  /** Shared by all broadcasts. */
  readonly places: ThumbnailPlaces;
  /** Whether pictures outlive the live window. */
  readonly isRecorded: boolean;
  readonly logger: Logger;
}

const intervalMs = 10_000;
const heightPx = 144;
/** Each costs about 0.1 s of a core; more at once would take it from the encoders. */
const maxAtOnce = 2;

/** How many pictures all broadcasts make at once; who finds no place tries at the next segment. */
export class ThumbnailPlaces {
  #taken = 0;

  tryTake(): boolean {
    if (this.#taken >= maxAtOnce) return false;
    this.#taken += 1;
    return true;
  }

  release(): void {
    this.#taken -= 1;
  }
}

/** The rendition that costs least to read and is not smaller than the picture, if there is one. */
function sourceOf({ renditions }: Presentation): LiveRendition | null {
  const sized = renditions
    .filter(({ info, isEnded }) => !isEnded && (info?.heightPx ?? 0) > 0)
    .toSorted((a, b) => (a.info?.heightPx ?? 0) - (b.info?.heightPx ?? 0));
  return sized.find(({ info }) => (info?.heightPx ?? 0) >= heightPx) ?? sized.at(-1) ?? null;
}

export class ThumbnailMaker {
  readonly #options: ThumbnailMakerOptions;
  #nextDueMs = -Infinity;
  #running: Promise<void> | null = null;

  constructor(options: ThumbnailMakerOptions) {
    this.#options = options;
  }

  /** A segment was listed: makes a picture of it if one is due and there is room. Never throws. */
  consider(): void {
    const { presentation, places } = this.#options;
    const rendition = sourceOf(presentation);
    const segment = rendition?.lastSegment ?? null;
    if (rendition === null || segment === null || segment.programDateTimeMs < this.#nextDueMs)
      return;
    if (this.#running !== null || !places.tryTake()) return;
    this.#nextDueMs = segment.programDateTimeMs + intervalMs;
    const { sequenceNumber, generation } = segment;
    this.#running = this.#make(rendition, sequenceNumber, initSectionName(generation)).finally(
      () => {
        this.#running = null;
        places.release();
      },
    );
  }

  /** Resolves when nothing is being made. */
  async settle(): Promise<void> {
    await this.#running;
  }

  async #make(rendition: LiveRendition, sequenceNumber: number, initName: string): Promise<void> {
    const { ffmpeg, objects, presentation, logger } = this.#options;
    try {
      const media: Uint8Array[] = [];
      for (const name of [initName, segmentName(sequenceNumber)]) {
        const object = await objects.get(mediaKey(presentation, rendition.name, name));
        if (object === null) return;
        media.push(object.bytes);
      }
      const picture = await makePicture(ffmpeg, media, heightPx);
      if (picture === null) {
        logger.debug({ sequenceNumber }, 'a segment gave no thumbnail');
        return;
      }
      await objects.put(thumbnailKey(presentation, sequenceNumber), picture);
      await this.#forget(presentation.addThumbnail(sequenceNumber));
    } catch (error) {
      logger.warn({ err: error }, 'a thumbnail could not be stored');
    }
  }

  /** Without a recording, what has left the window goes. */
  async #forget(sequenceNumbers: readonly number[]): Promise<void> {
    const { objects, presentation, isRecorded } = this.#options;
    if (isRecorded) return;
    for (const number of sequenceNumbers) await objects.delete(thumbnailKey(presentation, number));
  }
}
