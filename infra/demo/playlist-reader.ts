// Reads the playlists of a Shoal origin for viewers without hls.js. Only the tags that such a
// viewer needs; no library was found that keeps tags it does not know, as the digests are.

import {
  type PieceRoot,
  parseDigestAttributes,
  parsePieceAttributes,
  segmentDigestTagName,
} from '@shoal/ingest/protocol';
import type { MediaSegment, RenditionPlaylist } from '@shoal/player/delivery';

export interface ReadVariant {
  readonly url: string;
  readonly bandwidthBps: number;
}

export interface ReadMediaPlaylist extends RenditionPlaylist {
  readonly initUrls: readonly string[];
  readonly canBlockReload: boolean;
  /** Of the last segment, `-1` without one. */
  readonly lastSequenceNumber: number;
}

/** The variants of a multivariant playlist, highest bandwidth first. */
export function readMultivariantPlaylist(text: string, playlistUrl: string): ReadVariant[] {
  const variants: ReadVariant[] = [];
  let bandwidthBps: number | null = null;
  for (const line of text.split(/\r?\n/)) {
    const bandwidth = /^#EXT-X-STREAM-INF:(?:.*,)?BANDWIDTH=(\d+)/.exec(line)?.[1];
    if (bandwidth !== undefined) bandwidthBps = Number(bandwidth);
    else if (bandwidthBps !== null && line !== '' && !line.startsWith('#')) {
      variants.push({ url: new URL(line, playlistUrl).href, bandwidthBps });
      bandwidthBps = null;
    }
  }
  return variants.sort((a, b) => b.bandwidthBps - a.bandwidthBps);
}

interface Unfinished {
  digest: string | null;
  pieces: PieceRoot | null;
  durationSeconds: number | null;
}

/**
 * A media playlist on the viewer's own timeline, whose zero is the first segment it ever saw.
 * @param positions start of every segment seen before, by sequence number; new ones are added
 */
export function readMediaPlaylist(
  text: string,
  playlistUrl: string,
  positions: Map<number, number>,
): ReadMediaPlaylist {
  const lines = text.split(/\r?\n/);
  const attribute = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`#${name}:`))?.slice(name.length + 2);
  let sequenceNumber = Number(attribute('EXT-X-MEDIA-SEQUENCE') ?? 0);
  let nextSeconds = positions.get(sequenceNumber) ?? 0;
  const segments: MediaSegment[] = [];
  const initUrls: string[] = [];
  let unfinished: Unfinished = { digest: null, pieces: null, durationSeconds: null };
  for (const line of lines) {
    const init = /^#EXT-X-MAP:.*URI="([^"]+)"/.exec(line)?.[1];
    if (init !== undefined) initUrls.push(new URL(init, playlistUrl).href);
    else if (line.startsWith(`#${segmentDigestTagName}:`)) {
      const attributes = line.slice(segmentDigestTagName.length + 2);
      unfinished.digest = parseDigestAttributes(attributes);
      unfinished.pieces = parsePieceAttributes(attributes);
    } else if (line.startsWith('#EXTINF:'))
      unfinished.durationSeconds = Number.parseFloat(line.slice(8));
    else if (unfinished.durationSeconds !== null && line !== '' && !line.startsWith('#')) {
      const startSeconds = positions.get(sequenceNumber) ?? nextSeconds;
      positions.set(sequenceNumber, startSeconds);
      segments.push({
        url: new URL(line, playlistUrl).href,
        mediaSequenceNumber: sequenceNumber,
        startSeconds,
        durationSeconds: unfinished.durationSeconds,
        digest: unfinished.digest,
        pieces: unfinished.pieces,
      });
      nextSeconds = startSeconds + unfinished.durationSeconds;
      sequenceNumber += 1;
      unfinished = { digest: null, pieces: null, durationSeconds: null };
    }
  }
  return {
    url: playlistUrl,
    isLive: !lines.includes('#EXT-X-ENDLIST'),
    targetDurationSeconds: Number(attribute('EXT-X-TARGETDURATION') ?? 2),
    segments,
    initUrls,
    canBlockReload: /CAN-BLOCK-RELOAD=YES/.test(attribute('EXT-X-SERVER-CONTROL') ?? ''),
    lastSequenceNumber: segments.at(-1)?.mediaSequenceNumber ?? -1,
  };
}
