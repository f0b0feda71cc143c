// Pure: the tags in which the player writes, for each segment and init section of the pictures, the sound
// that belongs to it. sound-in-playlist writes them, hls.js carries them, delivery reads them.

/** In place of the digest tags, with the same attributes and `URI` behind them. */
export const soundTagName = 'EXT-X-SHOAL-SOUND';
export const soundInitTagName = 'EXT-X-SHOAL-SOUND-MAP';

/** A file as a playlist names it. */
export interface NamedFile {
  /** Absolute. */
  readonly url: string;
  /** Those of its digest tag. */
  readonly attributes: string;
}

export const uriAttribute = /(?:^|,)URI="([^"]*)"/;

/** The file in one of the two tags, `null` where there is none. */
export function parseSoundAttributes(text: string): NamedFile | null {
  const url = uriAttribute.exec(text)?.[1];
  return url === undefined ? null : { url, attributes: text.replace(uriAttribute, '') };
}

export function formatSoundTag(name: string, { url, attributes }: NamedFile): string {
  return `#${name}:${attributes},URI="${url}"`;
}
