// Pure: whether the end of one rendition's playlist is the end of the stream. The playlist loader asks
// it, with the text of another rendition's playlist.

const endTag = /^#EXT-X-ENDLIST[ \t\r]*\n?/m;

export function hasEnd(playlist: string): boolean {
  return endTag.test(playlist);
}

/** The same playlist as if segments could follow. */
export function withoutEnd(playlist: string): string {
  return playlist.replace(endTag, '');
}

/** `-1` for a playlist without segments. */
export function lastSequenceNumber(playlist: string): number {
  const first = Number(/^#EXT-X-MEDIA-SEQUENCE:(\d+)/m.exec(playlist)?.[1] ?? 0);
  const count = playlist.match(/^#EXTINF:/gm)?.length ?? 0;
  return count === 0 ? -1 : first + count - 1;
}

/**
 * Where to ask whether another rendition has what would come after `ended`: a server that can hold
 * reloads (RFC 8216bis §6.2.5.2) then answers past all caches, and not before it knows.
 */
export function questionUrl(url: string, ended: string): string {
  if (!/^#EXT-X-SERVER-CONTROL:.*CAN-BLOCK-RELOAD=YES/m.test(ended)) return url;
  const mark = url.includes('?') ? '&' : '?';
  return `${url}${mark}_HLS_msn=${lastSequenceNumber(ended) + 1}`;
}

/** What another rendition's playlist says of the stream; `unknown` when it may be an old copy. */
export function streamBeyond(ended: string, other: string): 'goes-on' | 'ended' | 'unknown' {
  if (hasEnd(other)) return 'ended';
  return lastSequenceNumber(other) > lastSequenceNumber(ended) ? 'goes-on' : 'unknown';
}
