// Pure: what a sound playlist says of each segment, written into the playlist of the pictures. Shoal's
// origins cut both at the same places. The playlist loader calls it, see `sound-tags.ts`.

import { initDigestTagName, segmentDigestTagName } from '@shoal/ingest/protocol';
import {
  formatSoundTag,
  type NamedFile,
  soundInitTagName,
  soundTagName,
  uriAttribute,
} from './sound-tags.ts';

interface SoundSegment {
  readonly file: NamedFile;
  readonly init: NamedFile;
}

function tagValueOf(line: string, tagName: string): string | null {
  return line.startsWith(`#${tagName}:`) ? line.slice(tagName.length + 2) : null;
}

/** A segment with the lines before it; the first has the playlist's own. */
interface ListedLines {
  readonly sequenceNumber: number;
  readonly lines: readonly string[];
}

interface ParsedPlaylist {
  readonly segments: readonly ListedLines[];
  /** Behind the last segment. */
  readonly rest: readonly string[];
}

function parsePlaylist(text: string): ParsedPlaylist {
  let sequenceNumber = Number(/^#EXT-X-MEDIA-SEQUENCE:(\d+)/m.exec(text)?.[1] ?? 0);
  const segments: ListedLines[] = [];
  let lines: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    lines.push(line);
    if (line === '' || line.startsWith('#')) continue;
    segments.push({ sequenceNumber, lines });
    sequenceNumber += 1;
    lines = [];
  }
  return { segments, rest: lines };
}

/** By sequence number, without gaps. */
function soundSegmentsOf(text: string, playlistUrl: string): Map<number, SoundSegment> {
  const absolute = (uri: string): string => new URL(uri, playlistUrl).href;
  const found = new Map<number, SoundSegment>();
  let init: NamedFile | null = null;
  let initAttributes = '';
  for (const { sequenceNumber, lines } of parsePlaylist(text).segments) {
    let attributes: string | null = null;
    for (const line of lines) {
      initAttributes = tagValueOf(line, initDigestTagName) ?? initAttributes;
      attributes = tagValueOf(line, segmentDigestTagName) ?? attributes;
      const initUri = uriAttribute.exec(tagValueOf(line, 'EXT-X-MAP') ?? '')?.[1];
      if (initUri !== undefined) init = { url: absolute(initUri), attributes: initAttributes };
    }
    const uri = lines.at(-1) ?? '';
    if (attributes === null || init === null) continue;
    found.set(sequenceNumber, { file: { url: absolute(uri), attributes }, init });
  }
  return found;
}

/**
 * The playlist of the pictures with the sound of each segment. A playlist that came from another moment
 * than the other has segments that the other lacks: at the end they are left out until the next reload,
 * at the beginning they are gaps, as their sound is gone.
 * @returns `null` when they have nothing in common
 */
export function withSound(
  pictures: string,
  sound: { readonly text: string; readonly url: string },
): string | null {
  // Elsewhere sound and pictures need not have the same segments.
  if (!pictures.includes(`#${initDigestTagName}:`)) return pictures;
  const sounds = soundSegmentsOf(sound.text, sound.url);
  const lastNumber = Math.max(-1, ...sounds.keys());
  const { segments, rest } = parsePlaylist(pictures);
  const listed = segments.filter(({ sequenceNumber }) => sequenceNumber <= lastNumber);
  const first = listed.find(({ sequenceNumber }) => sounds.has(sequenceNumber));
  if (first === undefined) return null;
  // Of the next segment that has sound: an init section may stand before one that has none.
  let init = sounds.get(first.sequenceNumber)?.init;
  const written = listed.toReversed().map(({ sequenceNumber, lines }) => {
    const own = sounds.get(sequenceNumber);
    init = own?.init ?? init;
    const isGap = lines.includes('#EXT-X-GAP');
    const tag = own === undefined ? '#EXT-X-GAP' : formatSoundTag(soundTagName, own.file);
    return lines.flatMap((line) => {
      if (init !== undefined && line.startsWith('#EXT-X-MAP:')) {
        return [formatSoundTag(soundInitTagName, init), line];
      }
      return line.startsWith('#EXTINF:') && !isGap ? [tag, line] : [line];
    });
  });
  const end = listed.length === segments.length ? rest : [''];
  return [...written.toReversed().flat(), ...end].join('\n');
}
