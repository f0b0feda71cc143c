// Pure: pictures and sound that come as fragmented MP4 of their own → one with both tracks, for players
// that take one only (ISO/IEC 14496-12 §8.8). hls-delivery joins with it what it has loaded.

import { boxesOf, joinBytes, makeBox, onlyBox, viewOf } from './mp4-boxes.ts';

/** Above the numbers that encoders give to their tracks. */
const soundTrackId = 100;

/** Where a full box's fields begin: behind its version and flags. */
const fieldsAt = 4;
/** `track_ID` of a `tkhd`, behind two times of 32 or 64 bits (§8.3.2). */
const shortTrackIdAt = 12;
const longTrackIdAt = 20;

/** A box that says of itself which track it is about, with another number at `at`. */
function numbered(content: Uint8Array, at: number): void {
  viewOf(content).setUint32(at, soundTrackId);
}

function soundTrack(moov: Uint8Array): { readonly trak: Uint8Array; readonly trex: Uint8Array } {
  const boxes = boxesOf(moov.slice());
  const trak = onlyBox(boxes, 'trak');
  const trex = onlyBox(boxesOf(onlyBox(boxes, 'mvex').content), 'trex');
  const tkhd = onlyBox(boxesOf(trak.content), 'tkhd').content;
  numbered(tkhd, tkhd[0] === 1 ? longTrackIdAt : shortTrackIdAt);
  numbered(trex.content, fieldsAt);
  return { trak: trak.bytes, trex: trex.bytes };
}

/**
 * An init section with the tracks of both.
 * @throws RangeError when one of them is none
 */
export function joinInitSections(pictures: Uint8Array, sound: Uint8Array): Uint8Array<ArrayBuffer> {
  const { trak, trex } = soundTrack(onlyBox(boxesOf(sound), 'moov').content);
  const parts = boxesOf(pictures).map(({ type, bytes, content }) => {
    if (type !== 'moov') return bytes;
    const boxes = boxesOf(content.slice());
    const header = onlyBox(boxes, 'mvhd');
    // §8.2.2: the last field is a number that no track has yet.
    viewOf(header.content).setUint32(header.content.length - 4, soundTrackId + 1);
    const extension = onlyBox(boxes, 'mvex');
    const others = boxes.filter((box) => box !== header && box !== extension);
    const tracks = others.filter((box) => box.type === 'trak').map((box) => box.bytes);
    const rest = others.filter((box) => box.type !== 'trak').map((box) => box.bytes);
    const mvex = makeBox('mvex', [extension.content, trex]);
    return makeBox('moov', [header.bytes, ...tracks, trak, mvex, ...rest]);
  });
  return joinBytes(parts);
}

/**
 * A segment with the fragments of both: those of the pictures as they are, then those of the sound with
 * the number that {@link joinInitSections} has given to its track.
 * @throws RangeError when the sound is not fragmented MP4
 */
export function joinSegments(pictures: Uint8Array, sound: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = joinBytes([pictures, sound]);
  const fragments = boxesOf(joined.subarray(pictures.length)).filter(({ type }) => type === 'moof');
  for (const { content } of fragments) {
    for (const traf of boxesOf(content).filter(({ type }) => type === 'traf')) {
      numbered(onlyBox(boxesOf(traf.content), 'tfhd').content, fieldsAt);
    }
  }
  return joined;
}
