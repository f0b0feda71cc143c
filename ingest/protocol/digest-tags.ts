// The integrity tags of Shoal's media playlists (README, "Integrity"). The origin writes them,
// players read them; players that don't know them ignore them (RFC 8216 §6.3.1).

/** SHA-256 of a resource as 64 lower-case hexadecimal digits. */
export type Sha256Hex = string;

export const segmentDigestTagName = 'EXT-X-SHOAL-DIGEST';
export const initDigestTagName = 'EXT-X-SHOAL-MAP-DIGEST';

const digestAttribute = /(?:^|,)SHA256=([0-9a-f]{64})(?:,|$)/;

/**
 * The playlist line that precedes a segment's `#EXTINF`.
 * @param attributes further ones, each as `NAME=value`
 */
export function formatSegmentDigestTag(
  digest: Sha256Hex,
  ...attributes: readonly string[]
): string {
  return `#${segmentDigestTagName}:${[`SHA256=${digest}`, ...attributes].join(',')}`;
}

/** The playlist line that precedes an `#EXT-X-MAP`. */
export function formatInitDigestTag(digest: Sha256Hex): string {
  return `#${initDigestTagName}:SHA256=${digest}`;
}

/** The digest in a tag's attribute list (the text after the colon), or `null` without a valid one. */
export function parseDigestAttributes(attributes: string): Sha256Hex | null {
  return digestAttribute.exec(attributes)?.[1] ?? null;
}
