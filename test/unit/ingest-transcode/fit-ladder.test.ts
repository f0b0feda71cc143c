// Which renditions a source gets: never larger than the source, of its shape, in even sizes.
// Examples name the promises, properties hold for any source and ladder.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitLadder } from '../../../ingest/transcode/fit-ladder.ts';

function rung(name: string, widthPx: number, heightPx: number, videoBitrateBps: number) {
  return { name, widthPx, heightPx, videoBitrateBps, audioBitrateBps: 96_000 };
}

const ladder = [
  rung('360p', 640, 360, 700_000),
  rung('720p', 1280, 720, 2_500_000),
  rung('480p', 854, 480, 1_200_000),
];

function sizes(size: { widthPx: number; heightPx: number }) {
  return fitLadder(ladder, { size, hasAudio: false }).map(
    ({ name, video }) => `${name} ${video?.widthPx}x${video?.heightPx}`,
  );
}

describe('fitLadder', () => {
  it('gives a 720p source the whole ladder, highest first', () => {
    expect(sizes({ widthPx: 1280, heightPx: 720 })).toEqual([
      '720p 1280x720',
      '480p 854x480',
      '360p 640x360',
    ]);
  });

  it('leaves out what is larger than the source', () => {
    expect(sizes({ widthPx: 854, heightPx: 480 })).toEqual(['480p 854x480', '360p 640x360']);
  });

  it('keeps the shape of a 4:3 source', () => {
    expect(sizes({ widthPx: 640, heightPx: 480 })).toEqual(['480p 640x480', '360p 480x360']);
  });

  it('takes the rung for the shorter side of a portrait source', () => {
    expect(sizes({ widthPx: 720, heightPx: 1280 })).toEqual([
      '720p 720x1280',
      '480p 480x854',
      '360p 360x640',
    ]);
  });

  it('keeps one rendition of the source size when every rung is larger', () => {
    const [only, ...others] = fitLadder(ladder, {
      size: { widthPx: 321, heightPx: 181 },
      hasAudio: false,
    });
    expect(others).toEqual([]);
    expect(only).toEqual({
      name: '360p',
      video: { widthPx: 320, heightPx: 180, bitrateBps: 700_000 },
      audioBitrateBps: null,
    });
  });

  describe('with the source as a rendition', () => {
    const source = { ...rung('source', 1920, 1080, 4_500_000), isSource: true };
    const fitted = (size: { widthPx: number; heightPx: number }, isPassable: boolean) =>
      fitLadder([...ladder, source], { size, hasAudio: false, isPassable });

    it('has only smaller ones below it', () => {
      const renditions = fitted({ widthPx: 1280, heightPx: 720 }, true);
      expect(renditions.map(({ name }) => name)).toEqual(['source', '480p', '360p']);
      expect(renditions[0]).toMatchObject({ isSource: true, video: { widthPx: 1280 } });
      expect(fitted({ widthPx: 320, heightPx: 180 }, true).map(({ name }) => name)).toEqual([
        'source',
      ]);
    });

    it('leaves it its size, whatever that is', () => {
      const [top] = fitted({ widthPx: 3_841, heightPx: 2_161 }, true);
      expect(top?.video).toMatchObject({ widthPx: 3_841, heightPx: 2_161 });
    });

    it('encodes what cannot be passed through, at most in 1080p', () => {
      const [top, next] = fitted({ widthPx: 3_840, heightPx: 2_160 }, false);
      expect(top?.video).toEqual({ widthPx: 1920, heightPx: 1080, bitrateBps: 4_500_000 });
      expect(next?.name).toBe('720p');
      const [small] = fitted({ widthPx: 640, heightPx: 360 }, false);
      expect(small?.video).toEqual({ widthPx: 640, heightPx: 360, bitrateBps: 622_080 });
    });
  });

  it('has the sound once, behind the pictures, at the best rate of the rungs that are made', () => {
    const rungs = [
      { ...rung('low', 320, 180, 200_000), audioBitrateBps: 48_000 },
      { ...rung('middle', 640, 360, 700_000), audioBitrateBps: 64_000 },
      { ...rung('high', 1280, 720, 2_500_000), audioBitrateBps: 128_000 },
    ];
    const made = (widthPx: number, heightPx: number) =>
      fitLadder(rungs, { size: { widthPx, heightPx }, hasAudio: true });
    expect(made(640, 360).map(({ name, audioBitrateBps }) => [name, audioBitrateBps])).toEqual([
      ['middle', null],
      ['low', null],
      ['audio', 64_000],
    ]);
    expect(made(100, 100).at(-1)).toEqual({ name: 'audio', video: null, audioBitrateBps: 48_000 });
    expect(made(1280, 720).at(-1)?.audioBitrateBps).toBe(128_000);
  });

  it('makes one rendition of sound alone', () => {
    expect(fitLadder(ladder, { size: null, hasAudio: true })).toEqual([
      { name: 'audio', video: null, audioBitrateBps: 96_000 },
    ]);
  });

  it('never upscales, keeps the aspect ratio within a pixel and gives even sizes', () => {
    const side = fc.integer({ min: 2, max: 4_000 });
    const rungs = fc.uniqueArray(
      fc
        .tuple(side, side, fc.integer({ min: 1, max: 1e7 }))
        .map(([width, height, bitrate]) => rung(`r${width}x${height}`, width, height, bitrate)),
      { minLength: 1, maxLength: 6, selector: ({ name }) => name },
    );
    fc.assert(
      fc.property(rungs, side, side, (someRungs, widthPx, heightPx) => {
        const renditions = fitLadder(someRungs, { size: { widthPx, heightPx }, hasAudio: false });
        expect(renditions.length).toBeGreaterThan(0);
        for (const { video } of renditions) {
          if (video === null) throw new Error('a picture was lost');
          expect(video.widthPx % 2).toBe(0);
          expect(video.heightPx % 2).toBe(0);
          expect(video.widthPx).toBeLessThanOrEqual(widthPx);
          expect(video.heightPx).toBeLessThanOrEqual(heightPx);
          // Each side is off by at most 1 px of rounding to even, and 1 px where the source is odd.
          const scale = Math.min(video.widthPx / widthPx, video.heightPx / heightPx);
          const slackPx = 2 + 2 * Math.max(widthPx / heightPx, heightPx / widthPx);
          expect(Math.abs(video.widthPx - widthPx * scale)).toBeLessThanOrEqual(slackPx);
          expect(Math.abs(video.heightPx - heightPx * scale)).toBeLessThanOrEqual(slackPx);
        }
      }),
    );
  });
});
