// Pure: which rendition an encoder that is too slow does without. The broadcast asks it, ends that
// rendition's playlist and encodes the others on.

import type { Rendition } from './fit-ladder.ts';

function pixels({ video }: Rendition): number {
  return video === null ? 0 : video.widthPx * video.heightPx;
}

/**
 * The most expensive rendition that is encoded; `null` when it is the last one with pictures.
 * @param isPassthrough whether the rendition that is the source is a copy, which costs nothing
 */
export function renditionToShed(
  renditions: readonly Rendition[],
  isPassthrough: boolean,
): Rendition | null {
  const withPictures = renditions.filter(({ video }) => video !== null);
  if (withPictures.length < 2) return null;
  const encoded = withPictures.filter(({ isSource }) => !(isPassthrough && isSource === true));
  return encoded.toSorted((a, b) => pixels(b) - pixels(a))[0] ?? null;
}
