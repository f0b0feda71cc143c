// The arguments of ffmpeg where a wrong one has cost hours; that they work is shown by the
// integration tests.

import { describe, expect, it } from 'vitest';
import type { Rotation } from '../../../ingest/rtp/video-orientation.ts';
import { ffmpegArguments } from '../../../ingest/transcode/ffmpeg-arguments.ts';
import type { Rendition } from '../../../ingest/transcode/fit-ladder.ts';

const video = { widthPx: 640, heightPx: 360, bitrateBps: 700_000 };
const pictures: Rendition = { name: '360p', video, audioBitrateBps: null };
const sound: Rendition = { name: 'audio', video: null, audioBitrateBps: 96_000 };

function argumentsFor(
  renditions: readonly Rendition[],
  hasFpsMode = true,
  isPassthrough = false,
  rotation: Rotation = 0,
  frameRate = 30,
): readonly string[] {
  const plan = { renditions, segmentSeconds: 2, frameRate, hasFpsMode, isPassthrough, rotation };
  return ffmpegArguments(plan);
}

function valuesOf(list: readonly string[], name: string): string[] {
  return list.flatMap((item, index) => (item === name ? [list[index + 1] ?? ''] : []));
}

describe('ffmpegArguments', () => {
  it('keeps picture and sound in two graphs', () => {
    const graphs = valuesOf(argumentsFor([pictures, pictures, sound]), '-filter_complex');
    expect(graphs).toHaveLength(2);
    expect(graphs[0]).not.toContain('[0:a]');
    expect(graphs[1]).not.toContain('[0:v]');
  });

  it('gives each rendition a pipe of its own, from descriptor 3 on', () => {
    const pipes = argumentsFor([pictures, pictures, sound]).filter((item) =>
      item.startsWith('pipe:'),
    );
    expect(pipes).toEqual(['pipe:0', 'pipe:3', 'pipe:4', 'pipe:5']);
  });

  it('encodes the sound once, whatever there is of pictures', () => {
    const list = argumentsFor([pictures, { ...pictures }, sound]);
    expect(valuesOf(list, '-map')).toEqual(['[v0]', '[v1]', '[a]']);
    expect(valuesOf(list, '-c:a')).toEqual(['aac']);
  });

  it('maps no sound where there is none, and no picture where there is none', () => {
    const silent = argumentsFor([pictures]);
    expect(valuesOf(silent, '-map')).toEqual(['[v0]']);
    expect(silent).not.toContain('aac');
    const blind = argumentsFor([sound]);
    expect(valuesOf(blind, '-map')).toEqual(['[a]']);
    expect(blind).not.toContain('libx264');
    expect(valuesOf(blind, '-frag_duration')).toEqual(['2000000']);
  });

  it('speaks to older ones in their words', () => {
    expect(valuesOf(argumentsFor([pictures], false), '-vsync')).toEqual(['passthrough']);
    expect(argumentsFor([pictures], false)).not.toContain('-fps_mode');
    expect(argumentsFor([pictures], true)).not.toContain('-vsync');
  });

  it('turns the picture once, before it is scaled for each rendition', () => {
    const graphOf = (rotation: Rotation): string =>
      valuesOf(
        argumentsFor([pictures, { ...pictures }], true, false, rotation),
        '-filter_complex',
      )[0] ?? '';
    expect(graphOf(0)).toMatch(/^\[0:v\]split=2/);
    expect(graphOf(90)).toMatch(/^\[0:v\]transpose=clock,split=2/);
    expect(graphOf(180)).toMatch(/^\[0:v\]hflip,vflip,split=2/);
    expect(graphOf(270)).toMatch(/^\[0:v\]transpose=cclock,split=2/);
  });

  it('tells encoders the rate that they get: the source’s, or half of it', () => {
    const large: Rendition = { ...pictures, video: { ...video, widthPx: 1280, heightPx: 720 } };
    const ratesAt = (frameRate: number) =>
      valuesOf(argumentsFor([large, pictures], true, false, 0, frameRate), '-x264-params').map(
        (value) => /:fps=([\d.]+)$/.exec(value)?.[1],
      );
    expect(ratesAt(30)).toEqual(['30', '30']);
    expect(ratesAt(60)).toEqual(['60', '30']);
    expect(ratesAt(15)).toEqual(['15', '15']);
  });

  it('never throws the first GOP away', () => {
    expect(argumentsFor([pictures]).join(' ')).not.toContain('nobuffer');
  });
});
