// Pure: what a `moov` box says about the tracks of a rendition: time scales, picture size and the
// RFC 6381 codecs string. The packager reads fragments with it, the playlists announce it.

import { BoxFormatError } from './box-splitter.ts';
import { type BoxView, childrenOf, onlyChild, viewOf } from './box-view.ts';

export interface TrackDescription {
  readonly trackId: number;
  readonly kind: 'video' | 'audio';
  /** Ticks per second. */
  readonly timescale: number;
  /** RFC 6381, for example `avc1.4d401f`. */
  readonly codec: string;
  /** 0 for audio. */
  readonly widthPx: number;
  readonly heightPx: number;
}

export interface InitDescription {
  readonly tracks: readonly TrackDescription[];
  /** The codecs of all tracks, video first, separated by commas. */
  readonly codecs: string;
  /** 0 without video. */
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Bytes of the fields of a sample entry before its boxes (ISO/IEC 14496-12 §12.1.3, §12.2.3). */
const visualEntryBytes = 78;
const audioEntryBytes = 28;

function hex(value: number): string {
  return value.toString(16).padStart(2, '0');
}

/** ISO/IEC 14496-15 §5.3.3.1 and RFC 6381 §3.3: profile, constraints and level. */
function avcCodec(entry: BoxView): string {
  const record = onlyChild(entry, 'avcC', visualEntryBytes);
  const [profile, constraints, level] = [1, 2, 3].map((at) => record.content.getUint8(at));
  return `avc1.${hex(profile ?? 0)}${hex(constraints ?? 0)}${hex(level ?? 0)}`;
}

interface Descriptor {
  readonly tag: number;
  readonly start: number;
  readonly end: number;
}

/** A descriptor of ISO/IEC 14496-1 §8.3.3: a tag, then a length of seven bits per byte. */
function descriptorAt(content: DataView, at: number): Descriptor {
  const tag = content.getUint8(at);
  let length = 0;
  let offset = at + 1;
  for (let count = 0; count < 4; count += 1) {
    const byte = content.getUint8(offset);
    offset += 1;
    length = length * 128 + (byte & 0x7f);
    if ((byte & 0x80) === 0) break;
  }
  return { tag, start: offset, end: offset + length };
}

/** ISO/IEC 14496-14 §5.6 and 14496-1 §7.2.6: ES → decoder configuration → audio object type. */
function mp4aCodec(entry: BoxView): string {
  const { content } = onlyChild(entry, 'esds', audioEntryBytes);
  const stream = descriptorAt(content, 4);
  const flags = content.getUint8(stream.start + 2);
  let at = stream.start + 3;
  if ((flags & 0x80) !== 0) at += 2;
  if ((flags & 0x40) !== 0) at += 1 + content.getUint8(at);
  if ((flags & 0x20) !== 0) at += 2;
  const configuration = descriptorAt(content, at);
  const objectType = content.getUint8(configuration.start);
  if (objectType !== 0x40) return `mp4a.${hex(objectType)}`;
  const specific = descriptorAt(content, configuration.start + 13);
  const bits = content.getUint16(specific.start);
  const audioObjectType = bits >> 11;
  // ISO/IEC 14496-3 §1.6.2.1: 31 is an escape, six more bits count from 32.
  return `mp4a.40.${audioObjectType === 31 ? 32 + ((bits >> 5) & 0x3f) : audioObjectType}`;
}

function versionedUint32(box: BoxView, offsets: readonly [number, number]): number {
  return box.content.getUint32(box.content.getUint8(0) === 1 ? offsets[1] : offsets[0]);
}

function describeTrack(trak: BoxView): TrackDescription | null {
  const trackId = versionedUint32(onlyChild(trak, 'tkhd'), [12, 20]);
  const mdia = onlyChild(trak, 'mdia');
  const timescale = versionedUint32(onlyChild(mdia, 'mdhd'), [12, 20]);
  const stsd = onlyChild(onlyChild(onlyChild(mdia, 'minf'), 'stbl'), 'stsd');
  const [entry] = childrenOf(stsd, 8);
  if (entry?.type === 'avc1') {
    const [widthPx, heightPx] = [entry.content.getUint16(24), entry.content.getUint16(26)];
    return { trackId, kind: 'video', timescale, codec: avcCodec(entry), widthPx, heightPx };
  }
  if (entry?.type === 'mp4a') {
    const codec = mp4aCodec(entry);
    return { trackId, kind: 'audio', timescale, codec, widthPx: 0, heightPx: 0 };
  }
  return null;
}

/**
 * Reads a `moov` box.
 * @throws BoxFormatError when it has no track that Shoal makes, or is damaged
 */
export function describeInitSection(moov: Uint8Array): InitDescription {
  try {
    const tracks = childrenOf(viewOf(moov))
      .filter(({ type }) => type === 'trak')
      .map(describeTrack)
      .filter((track) => track !== null)
      .toSorted((a, b) => Number(b.kind === 'video') - Number(a.kind === 'video'));
    const [first] = tracks;
    if (first === undefined) throw new BoxFormatError('the init section has no H.264 or AAC track');
    return {
      tracks,
      codecs: tracks.map(({ codec }) => codec).join(','),
      widthPx: first.widthPx,
      heightPx: first.heightPx,
    };
  } catch (error) {
    if (error instanceof RangeError) {
      throw new BoxFormatError(`the init section is damaged: ${error.message}`);
    }
    throw error;
  }
}
