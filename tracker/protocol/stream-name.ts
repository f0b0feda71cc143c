// The name under which a playback is counted: the stream of a Shoal origin, or for any other HLS
// a name made from the playlist's path, so that sites with their own streams see them apart.

import { streamOfLiveUrl } from '@shoal/ingest/protocol';

/** A valid stream id for the playlist at `playlistUrl`; not unique, never empty. */
export function streamNameOf(playlistUrl: string): string {
  const { pathname } = new URL(playlistUrl);
  const recorded = /\/vod\/([a-z0-9][a-z0-9_-]{0,62})\//.exec(pathname)?.[1];
  const name = streamOfLiveUrl(pathname) ?? recorded;
  if (name) return name;
  const slug = pathname
    .toLowerCase()
    .replace(/\.m3u8$/, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63);
  return slug === '' ? 'stream' : slug;
}
