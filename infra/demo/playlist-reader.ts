// Reads the playlists of a Shoal origin for viewers without hls.js. Only the tags that such a
// viewer needs; no library was found that keeps tags it does not know, as the digests are.

import {
  type PieceRoot,
  parseDigestAttributes,
  parsePieceAttributes,
  segmentDigestTagName,
} from '@shoal/ingest/protocol';
import type {
  MediaSegment,
  MediaTrack,
  RenditionAttributes,
  RenditionPlaylist,
} from '@shoal/player/delivery';
import { pictureAttributes, readAttributes, soundAttributes } from './rendition-attributes.ts';

/** A media playlist that a multivariant playlist names. */
export interface ReadRendition {
  readonly url: string;
  readonly attributes: RenditionAttributes;
}

export interface ReadVariant extends ReadRendition {
  /** Its sound, where that is apart from the pictures. */
  readonly audio: ReadRendition | null;
}

export interface ReadMediaPlaylist extends RenditionPlaylist {
  readonly initUrls: readonly string[];
  readonly canBlockReload: boolean;
  /** Of the last segment, `-1` without one. */
  readonly lastSequenceNumber: number;
}

/** The variants of a multivariant playlist, highest bandwidth first. */
export function readMultivariantPlaylist(text: string, playlistUrl: string): ReadVariant[] {
  const lines = text.split(/\r?\n/);
  const audioGroups = readAudioGroups(lines);
  const variants: ReadVariant[] = [];
  let variant: ReadonlyMap<string, string> | null = null;
  for (const line of lines) {
    if (line.startsWith('#EXT-X-STREAM-INF:')) variant = readAttributes(line);
    else if (variant !== null && line !== '' && !line.startsWith('#')) {
      const sound = audioGroups.get(variant.get('AUDIO') ?? '');
      const audio = sound && {
        url: new URL(sound.get('URI') ?? '', playlistUrl).href,
        attributes: soundAttributes(sound, variant),
      };
      const url = new URL(line, playlistUrl).href;
      variants.push({ url, attributes: pictureAttributes(variant), audio: audio ?? null });
      variant = null;
    }
  }
  return variants.sort((a, b) => b.attributes.bitrate - a.attributes.bitrate);
}

/** The sound of each audio group, the default one where there are several (RFC 8216 §4.3.4.1). */
function readAudioGroups(lines: readonly string[]): Map<string, ReadonlyMap<string, string>> {
  const groups = new Map<string, ReadonlyMap<string, string>>();
  for (const line of lines) {
    if (!line.startsWith('#EXT-X-MEDIA:')) continue;
    const attributes = readAttributes(line);
    const group = attributes.get('GROUP-ID');
    if (attributes.get('TYPE') !== 'AUDIO' || group === undefined || !attributes.has('URI'))
      continue;
    if (groups.has(group) && attributes.get('DEFAULT') !== 'YES') continue;
    groups.set(group, attributes);
  }
  return groups;
}

interface Unfinished {
  digest: string | null;
  pieces: PieceRoot | null;
  durationSeconds: number | null;
  isGap: boolean;
}

const nothingYet: Unfinished = { digest: null, pieces: null, durationSeconds: null, isGap: false };

/**
 * A media playlist on the viewer's own timeline, whose zero is the first segment it ever saw.
 * @param positions start of every segment seen before, by sequence number; new ones are added.
 * Tracks may share it: the segments of one number begin together in all playlists of our origin
 */
export function readMediaPlaylist(
  text: string,
  playlistUrl: string,
  track: MediaTrack,
  positions: Map<number, number>,
): ReadMediaPlaylist {
  const lines = text.split(/\r?\n/);
  const attribute = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`#${name}:`))?.slice(name.length + 2);
  let sequenceNumber = Number(attribute('EXT-X-MEDIA-SEQUENCE') ?? 0);
  let nextSeconds = firstStartSeconds(lines, sequenceNumber, positions);
  const segments: MediaSegment[] = [];
  const initUrls: string[] = [];
  let unfinished = { ...nothingYet };
  for (const line of lines) {
    const init = /^#EXT-X-MAP:.*URI="([^"]+)"/.exec(line)?.[1];
    if (init !== undefined) initUrls.push(new URL(init, playlistUrl).href);
    else if (line.startsWith(`#${segmentDigestTagName}:`)) {
      const attributes = line.slice(segmentDigestTagName.length + 2);
      unfinished.digest = parseDigestAttributes(attributes);
      unfinished.pieces = parsePieceAttributes(attributes);
    } else if (line === '#EXT-X-GAP') unfinished.isGap = true;
    else if (line.startsWith('#EXTINF:'))
      unfinished.durationSeconds = Number.parseFloat(line.slice(8));
    else if (unfinished.durationSeconds !== null && line !== '' && !line.startsWith('#')) {
      const startSeconds = positions.get(sequenceNumber) ?? nextSeconds;
      positions.set(sequenceNumber, startSeconds);
      const { isGap, durationSeconds, ...digests } = unfinished;
      // Nobody has the bytes of a gap: it has a place in time only.
      if (!isGap) {
        segments.push({
          ...{ url: new URL(line, playlistUrl).href, mediaSequenceNumber: sequenceNumber },
          ...{ startSeconds, durationSeconds, ...digests },
        });
      }
      nextSeconds = startSeconds + durationSeconds;
      sequenceNumber += 1;
      unfinished = { ...nothingYet };
    }
  }
  return {
    track,
    url: playlistUrl,
    isLive: !lines.includes('#EXT-X-ENDLIST'),
    targetDurationSeconds: Number(attribute('EXT-X-TARGETDURATION') ?? 2),
    segments,
    initUrls,
    canBlockReload: /CAN-BLOCK-RELOAD=YES/.test(attribute('EXT-X-SERVER-CONTROL') ?? ''),
    lastSequenceNumber: segments.at(-1)?.mediaSequenceNumber ?? -1,
  };
}

/** Where the first segment begins: another track may have shown only later ones until now. */
function firstStartSeconds(
  lines: readonly string[],
  firstNumber: number,
  positions: ReadonlyMap<number, number>,
): number {
  let number = firstNumber;
  let beforeSeconds = 0;
  for (const line of lines) {
    if (!line.startsWith('#EXTINF:')) continue;
    const known = positions.get(number);
    if (known !== undefined) return known - beforeSeconds;
    beforeSeconds += Number.parseFloat(line.slice(8));
    number += 1;
  }
  return 0;
}
