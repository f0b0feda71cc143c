// What hls.js's fragments say of their sound, in the tags that the joined playlist has. Delivery asks it
// for each fragment.

import { initDigestTagName, segmentDigestTagName } from '@shoal/ingest/protocol';
import type { Fragment, MediaPlaylist } from 'hls.js';
import {
  type ListedFragment,
  type ListedFragments,
  type LoadedPlaylist,
  soundAttributesOf,
} from '../hls/playlist-mapping.ts';
import { withoutQuery } from '../media-segment.ts';
import {
  type NamedFile,
  parseSoundAttributes,
  soundInitTagName,
  soundTagName,
} from './sound-tags.ts';

function fileIn(fragment: Pick<Fragment, 'tagList'> | null, tagName: string): NamedFile | null {
  const tag = fragment?.tagList.find(([name]) => name === tagName)?.[1];
  return tag === undefined ? null : parseSoundAttributes(tag);
}

/** The sound that belongs to an init section; `null` without any. */
export function soundInitOf(
  init: Pick<Fragment, 'tagList'> | null,
): Pick<Fragment, 'sn' | 'url' | 'tagList'> | null {
  const file = fileIn(init, soundInitTagName);
  if (file === null) return null;
  return { sn: 'initSegment', url: file.url, tagList: [[initDigestTagName, file.attributes]] };
}

/** The sound that belongs to a fragment, as if hls.js had listed it; `null` without any. */
export function soundFragmentOf(fragment: ListedFragment): ListedFragment | null {
  const file = fileIn(fragment, soundTagName);
  if (file === null) return null;
  const { sn, cc, start, duration, initSegment } = fragment;
  return {
    ...{ sn, cc, start, duration, url: file.url, byteRange: [] },
    tagList: [[segmentDigestTagName, file.attributes]],
    initSegment: soundInitOf(initSegment),
  };
}

/** The playlist of the sound that belongs to a level, by what the level's says of it. */
export function soundPlaylistOf(
  sound: MediaPlaylist,
  { live, targetduration, fragments }: ListedFragments,
): LoadedPlaylist {
  const listed = fragments.map(soundFragmentOf).filter((each) => each !== null);
  return {
    ...{ track: 'audio', url: withoutQuery(sound.url), attributes: soundAttributesOf(sound) },
    details: { live, targetduration, fragments: listed },
  };
}
