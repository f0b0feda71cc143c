// The playlist of pictures with the sound of each segment in it, from the playlists that ingest writes.

import { describe, expect, it } from 'vitest';
import { formatMediaPlaylist, type ListedSegment } from '../../../ingest/hls/media-playlist.ts';
import { withSound } from '../../../player/delivery/joined-sound/sound-in-playlist.ts';
import {
  parseSoundAttributes,
  soundInitTagName,
  soundTagName,
} from '../../../player/delivery/joined-sound/sound-tags.ts';

const soundUrl = 'https://cdn.example/live/demo/audio/index.m3u8?_HLS_msn=7';
const signature = 'S'.repeat(86);
const digestOf = (letter: string, number: number): string =>
  `${letter}${String(number).padStart(63, '0')}`;

interface Range {
  readonly first: number;
  readonly last: number;
  readonly isEnded?: boolean;
}

/** Segments from 5 on are of another encoding. */
function playlistOf(letter: string, { first, last, isEnded = false }: Range): string {
  const segments = Array.from({ length: last - first + 1 }, (_, index): ListedSegment => {
    const sequenceNumber = first + index;
    return {
      ...{ sequenceNumber, durationSeconds: 2, programDateTimeMs: sequenceNumber * 2_000 },
      ...{ digest: digestOf(letter, sequenceNumber), sizeBytes: 1_000, signature },
      ...{ generation: sequenceNumber < 5 ? 0 : 1, pieceRoot: 'P'.repeat(22) },
    };
  });
  return formatMediaPlaylist({
    ...{ targetDurationSeconds: 2, discontinuitySequence: 0, uriPrefix: 'r/', segments },
    ...{ isEnded, isRecording: false },
    initSections: [0, 1].map((generation) => ({
      generation,
      digest: digestOf(letter, 100 + generation),
    })),
  });
}

const tagsOf = (text: string | null, name: string): string[] =>
  (text ?? '').split('\n').filter((line) => line.startsWith(`#${name}:`));

describe('the sound in a playlist of pictures', () => {
  it('stands before each segment and init section, with all that its own playlist says', () => {
    const pictures = playlistOf('a', { first: 3, last: 7 });
    const text = withSound(pictures, {
      text: playlistOf('b', { first: 3, last: 7 }),
      url: soundUrl,
    });
    const sounds = tagsOf(text, soundTagName).map((line) =>
      parseSoundAttributes(line.slice(soundTagName.length + 2)),
    );
    expect(sounds.map((sound) => sound?.url)).toEqual(
      [3, 4, 5, 6, 7].map((number) => `https://cdn.example/live/demo/audio/r/${number}.m4s`),
    );
    expect(sounds[4]?.attributes).toBe(
      `SHA256=${digestOf('b', 7)},SIGNATURE=${signature},SIZE=1000,PIECES=${'P'.repeat(22)}`,
    );
    const inits = tagsOf(text, soundInitTagName).map((line) =>
      parseSoundAttributes(line.slice(soundInitTagName.length + 2)),
    );
    expect(inits).toEqual(
      [0, 1].map((generation) => ({
        url: `https://cdn.example/live/demo/audio/r/init-${generation}.mp4`,
        attributes: `SHA256=${digestOf('b', 100 + generation)}`,
      })),
    );
    // Nothing of the pictures' own is changed.
    const own = (text ?? '').split('\n').filter((line) => !line.includes('-SOUND'));
    expect(own.join('\n')).toBe(pictures);
  });

  it('leaves out at the end what has no sound yet, and the end with it', () => {
    const pictures = playlistOf('a', { first: 3, last: 7, isEnded: true });
    const sound = { text: playlistOf('b', { first: 2, last: 6 }), url: soundUrl };
    const text = withSound(pictures, sound) ?? '';
    expect(text.match(/^r\/\d+\.m4s$/gm)).toEqual([3, 4, 5, 6].map((number) => `r/${number}.m4s`));
    expect(tagsOf(text, soundTagName)).toHaveLength(4);
    expect(pictures).toContain('#EXT-X-ENDLIST');
    expect(text).not.toContain('#EXT-X-ENDLIST');
  });

  it('has gaps at the beginning where the sound is gone already', () => {
    const text = withSound(playlistOf('a', { first: 3, last: 7 }), {
      text: playlistOf('b', { first: 5, last: 8 }),
      url: soundUrl,
    });
    expect(text?.match(/#EXT-X-GAP\n#EXTINF:.*\nr\/[34]\.m4s/g)).toHaveLength(2);
    expect(text?.match(/#EXT-X-GAP/g)).toHaveLength(2);
    expect(tagsOf(text, soundTagName)).toHaveLength(3);
  });

  it('is nothing where the two have no segment in common', () => {
    const sound = { text: playlistOf('b', { first: 9, last: 12 }), url: soundUrl };
    expect(withSound(playlistOf('a', { first: 3, last: 7 }), sound)).toBeNull();
  });

  it('is left alone where the playlist is not of a Shoal origin', () => {
    const foreign = '#EXTM3U\n#EXT-X-MAP:URI="i.mp4"\n#EXTINF:2,\n1.m4s\n';
    expect(withSound(foreign, { text: foreign, url: soundUrl })).toBe(foreign);
  });
});
