// hls.js's level details and fragments as delivery's playlists and segments, with the digests of
// Shoal's tags. Pure; "level" and "fragment" are hls.js's words and end here.

import {
  initDigestTagName,
  type PieceRoot,
  parseDigestAttributes,
  parsePieceAttributes,
  parseSignatureAttribute,
  segmentDigestTagName,
} from '@shoal/ingest/protocol';
import type { Fragment, Level, MediaPlaylist } from 'hls.js';
import type {
  MediaSegment,
  MediaTrack,
  RenditionAttributes,
  RenditionPlaylist,
} from '../media-segment.ts';
import type { SignedSegment } from '../verification/signature-check.ts';

/** What is read of hls.js's fragments. */
export type ListedFragment = Pick<
  Fragment,
  'sn' | 'url' | 'cc' | 'start' | 'duration' | 'byteRange' | 'tagList'
> & { readonly initSegment: Pick<Fragment, 'sn' | 'url' | 'tagList'> | null };

export interface ListedFragments {
  readonly live: boolean;
  readonly targetduration: number;
  readonly fragments: readonly ListedFragment[];
}

/** The digest that the playlist gives for a fragment or init section, `null` without one. */
export function digestOf(fragment: Pick<Fragment, 'sn' | 'tagList'>): string | null {
  const tagName = fragment.sn === 'initSegment' ? initDigestTagName : segmentDigestTagName;
  const tag = fragment.tagList.find(([name]) => name === tagName);
  return tag?.[1] === undefined ? null : parseDigestAttributes(tag[1]);
}

function piecesOf(fragment: ListedFragment): PieceRoot | null {
  const tag = fragment.tagList.find(([name]) => name === segmentDigestTagName);
  return tag?.[1] === undefined ? null : parsePieceAttributes(tag[1]);
}

/** What the pinned key is asked about a fragment; `null` when it names too little to be signed. */
export function signedSegmentOf(fragment: ListedFragment): SignedSegment | null {
  const tag = fragment.tagList.find(([name]) => name === segmentDigestTagName)?.[1];
  const digest = digestOf(fragment);
  const initDigest = fragment.initSegment ? digestOf(fragment.initSegment) : null;
  if (fragment.sn === 'initSegment' || !tag || digest === null || initDigest === null) return null;
  return {
    url: fragment.url,
    mediaSequenceNumber: fragment.sn,
    discontinuitySequence: fragment.cc,
    digest,
    initDigest,
    signature: parseSignatureAttribute(tag),
  };
}

/** RFC 8216bis §4.4.4.7: nobody has its bytes. */
function isGap(fragment: ListedFragment): boolean {
  return fragment.tagList.some(([name]) => name === 'GAP');
}

/**
 * The fragment as a segment; `null` for init sections and byte ranges, which go by the CDN, and for
 * gaps, which hls.js passes over.
 */
export function segmentOf(fragment: ListedFragment): MediaSegment | null {
  if (fragment.sn === 'initSegment' || fragment.byteRange.length > 0 || isGap(fragment))
    return null;
  return {
    url: fragment.url,
    mediaSequenceNumber: fragment.sn,
    startSeconds: fragment.start,
    durationSeconds: fragment.duration,
    digest: digestOf(fragment),
    pieces: piecesOf(fragment),
  };
}

export function levelAttributesOf({
  attrs,
  bitrate,
  videoCodec,
  width,
  height,
}: Level): RenditionAttributes {
  if (bitrate === 0) return { bitrate };
  return {
    bitrate,
    codecs: videoCodec ?? null,
    width: width || null,
    height: height || null,
    frameRate: attrs['FRAME-RATE'] ?? null,
    videoRange: attrs['VIDEO-RANGE'] ?? null,
  };
}

export function soundAttributesOf(track: MediaPlaylist): RenditionAttributes {
  const { audioCodec, lang, channels, name } = track;
  return {
    bitrate: 0,
    codecs: audioCodec ?? null,
    language: lang ?? null,
    channels: channels ?? null,
    name,
  };
}

/** A media playlist of hls.js, with what the multivariant playlist says of it. */
export interface HlsPlaylist {
  readonly track: MediaTrack;
  /** Without query. */
  readonly url: string;
  readonly attributes: RenditionAttributes;
}

export interface LoadedPlaylist extends HlsPlaylist {
  readonly details: ListedFragments | undefined;
}

export function renditionPlaylistOf(
  { track, url, attributes }: HlsPlaylist,
  details: ListedFragments,
  mayExchange: (fragment: ListedFragment) => boolean,
): RenditionPlaylist {
  return {
    track,
    attributes,
    url,
    isLive: details.live,
    targetDurationSeconds: details.targetduration,
    segments: details.fragments
      .filter(mayExchange)
      .map(segmentOf)
      .filter((segment) => segment !== null),
  };
}
