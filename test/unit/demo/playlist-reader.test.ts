// What a headless viewer reads in playlists: audio groups, and one timeline for all its tracks.
// infra/demo/playlist-reader.ts.

import { describe, expect, it } from 'vitest';
import { loadCore } from '../../../infra/demo/node-webrtc.ts';
import {
  readMediaPlaylist,
  readMultivariantPlaylist,
} from '../../../infra/demo/playlist-reader.ts';

const siteUrl = 'https://cdn.example/live/demo';

function mediaPlaylist(firstNumber: number, durationsSeconds: readonly number[]): string {
  return [
    '#EXTM3U',
    '#EXT-X-TARGETDURATION:2',
    `#EXT-X-MEDIA-SEQUENCE:${firstNumber}`,
    ...durationsSeconds.flatMap((seconds, index) => [
      `#EXTINF:${seconds},`,
      `${firstNumber + index}.m4s`,
    ]),
  ].join('\n');
}

const nothingSaid = { codecs: null, width: null, height: null, frameRate: null, videoRange: null };

describe('reading a multivariant playlist', () => {
  it('finds the default sound of each variant’s group, and none where there is no group', () => {
    const variants = readMultivariantPlaylist(
      [
        '#EXTM3U',
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="other",URI="other/index.m3u8"',
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="main",DEFAULT=YES,URI="audio/index.m3u8"',
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="a",NAME="text",DEFAULT=YES,URI="text/index.m3u8"',
        '#EXT-X-STREAM-INF:BANDWIDTH=1000,AUDIO="a",CODECS="avc1.42c01e,mp4a.40.2"',
        '360p/index.m3u8',
        '#EXT-X-STREAM-INF:BANDWIDTH=2000',
        '720p/index.m3u8',
      ].join('\n'),
      `${siteUrl}/index.m3u8`,
    );
    expect(variants).toEqual([
      {
        url: `${siteUrl}/720p/index.m3u8`,
        attributes: { ...nothingSaid, bitrate: 2000 },
        audio: null,
      },
      {
        url: `${siteUrl}/360p/index.m3u8`,
        attributes: { ...nothingSaid, bitrate: 1000, codecs: 'avc1.42c01e' },
        audio: {
          url: `${siteUrl}/audio/index.m3u8`,
          attributes: {
            ...{ bitrate: 0, codecs: 'mp4a.40.2', name: 'main' },
            ...{ language: null, channels: null },
          },
        },
      },
    ]);
  });

  it('says of a rendition what hls.js says, by which p2p-media-loader names its swarms', async () => {
    const [variant] = readMultivariantPlaylist(
      [
        '#EXTM3U',
        '#EXT-X-STREAM-INF:BANDWIDTH=2000,AVERAGE-BANDWIDTH=1500,RESOLUTION=1280x720,FRAME-RATE=30.000,CODECS="mp4a.40.2,avc1.77.31"',
        '720p/index.m3u8',
      ].join('\n'),
      `${siteUrl}/index.m3u8`,
    );
    const { generateStreamShortId } = await loadCore();
    expect(generateStreamShortId({ ...variant?.attributes })).toBe(
      generateStreamShortId({
        bitrate: 2000,
        codecs: 'avc1.4d001f',
        width: 1280,
        height: 720,
        frameRate: 30,
      }),
    );
  });
});

describe('reading media playlists of several tracks', () => {
  it('puts them on one timeline, whichever was read first and whatever it still lists', () => {
    const positions = new Map<number, number>();
    const read = (track: 'main' | 'audio', first: number, durations: readonly number[]) =>
      readMediaPlaylist(
        mediaPlaylist(first, durations),
        `${siteUrl}/${track}/index.m3u8`,
        track,
        positions,
      ).segments.map((segment) => segment.startSeconds);
    expect(read('audio', 5, [2, 2])).toEqual([0, 2]);
    // The pictures still list a segment that has left the sound's playlist.
    expect(read('main', 4, [2, 2, 2])).toEqual([-2, 0, 2]);
    expect(read('audio', 6, [2, 2])).toEqual([2, 4]);
  });
});
