// The one figure that everybody quotes, defined once for the player, the tracker and the tests.

/** `peerBytes / (peerBytes + cdnBytes)` in 0…1, or `null` before any byte. */
export function offloadRatio(bytes: {
  readonly cdnBytes: number;
  readonly peerBytes: number;
}): number | null {
  const totalBytes = bytes.cdnBytes + bytes.peerBytes;
  return totalBytes > 0 ? bytes.peerBytes / totalBytes : null;
}
