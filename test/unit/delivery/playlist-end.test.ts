// The end of one rendition against the end of the stream. player/delivery/hls/playlist-end.ts.

import { describe, expect, it } from 'vitest';
import {
  hasEnd,
  lastSequenceNumber,
  questionUrl,
  streamBeyond,
  withoutEnd,
} from '../../../player/delivery/hls/playlist-end.ts';

function playlist(firstNumber: number, segmentCount: number, ...tags: string[]): string {
  const segments = Array.from({ length: segmentCount }, (_, index) => [
    '#EXTINF:2.00000,',
    `${firstNumber + index}.m4s`,
  ]);
  const head = ['#EXTM3U', `#EXT-X-MEDIA-SEQUENCE:${firstNumber}`];
  const last = tags.filter((tag) => tag === '#EXT-X-ENDLIST');
  const first = tags.filter((tag) => tag !== '#EXT-X-ENDLIST');
  return `${[...head, ...first, ...segments.flat(), ...last].join('\n')}\n`;
}

const end = '#EXT-X-ENDLIST';

describe('a playlist that has ended', () => {
  it('is the same without its end, but for the tag', () => {
    const ended = playlist(7, 3, end);
    expect(hasEnd(ended)).toBe(true);
    expect(withoutEnd(ended)).toBe(playlist(7, 3));
    expect(hasEnd(playlist(7, 3))).toBe(false);
    expect(hasEnd(ended.replaceAll('\n', '\r\n'))).toBe(true);
    expect(hasEnd(withoutEnd(ended.replaceAll('\n', '\r\n')))).toBe(false);
  });

  it('knows its last segment', () => {
    expect(lastSequenceNumber(playlist(7, 3, end))).toBe(9);
    expect(lastSequenceNumber('#EXTM3U\n')).toBe(-1);
  });

  it('is no end of the stream when another one has a later segment', () => {
    const ended = playlist(7, 3, end);
    expect(streamBeyond(ended, playlist(8, 3))).toBe('goes-on');
    expect(streamBeyond(ended, playlist(8, 3, end))).toBe('ended');
    // A copy from before the end says neither.
    expect(streamBeyond(ended, playlist(7, 3))).toBe('unknown');
  });

  it('is asked about past the caches of servers that hold reloads', () => {
    const control = '#EXT-X-SERVER-CONTROL:HOLD-BACK=6,CAN-BLOCK-RELOAD=YES';
    const [plain, holding] = [playlist(7, 3, end), playlist(7, 3, control, end)];
    expect(questionUrl('https://cdn/180p/index.m3u8', plain)).toBe('https://cdn/180p/index.m3u8');
    expect(questionUrl('https://cdn/180p/index.m3u8', holding)).toBe(
      'https://cdn/180p/index.m3u8?_HLS_msn=10',
    );
    expect(questionUrl('https://cdn/180p/index.m3u8?token=a', holding)).toBe(
      'https://cdn/180p/index.m3u8?token=a&_HLS_msn=10',
    );
  });
});
