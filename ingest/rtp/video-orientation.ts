// How a picture has to be turned to be looked at, as senders tell in a header extension (3GPP
// TS 26.114 §7.4.5, RFC 7742 §4). Read by the receiver, applied by the transcoder.

/** Clockwise, in degrees. */
export type Rotation = 0 | 90 | 180 | 270;

const rotations: readonly Rotation[] = [0, 90, 180, 270];

/**
 * The rotation of the extension's byte `0000CFRR`. Its flip (F) is of front cameras and is left alone:
 * browsers neither send nor show it.
 */
export function parseVideoOrientation(value: Uint8Array): Rotation {
  return rotations[(value[0] ?? 0) & 0b11] ?? 0;
}
