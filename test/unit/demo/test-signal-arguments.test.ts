// The synthetic broadcaster's ffmpeg command: what a receiver relies on must be in it.

import { describe, expect, it } from 'vitest';
import { testSignalArguments } from '../../../infra/demo/test-signal-arguments.ts';

const picture = {
  widthPx: 640,
  heightPx: 360,
  framesPerSecond: 25,
  videoBitrateBps: 600_000,
  codec: 'h264',
  clockFontPath: null,
} as const;
const video = { port: 5_000, ssrc: 11, payloadType: 96 };
const audio = { port: 5_002, ssrc: 22, payloadType: 111 };

const valueAfter = (list: readonly string[], name: string): string | undefined =>
  list[list.indexOf(name) + 1];

describe('testSignalArguments', () => {
  it('sends a keyframe every second and no B-frames', () => {
    const list = testSignalArguments(picture, video, audio);
    expect(valueAfter(list, '-g')).toBe('25');
    expect(valueAfter(list, '-bf')).toBe('0');
  });

  it('sends each kind to its own port with its own marks', () => {
    const list = testSignalArguments(picture, video, audio);
    const outputs = list.filter((argument) => argument.startsWith('rtp://'));
    expect(outputs.map((url) => new URL(url).port)).toEqual(['5000', '5002']);
    expect(list.filter((_, index) => list[index - 1] === '-ssrc')).toEqual(['11', '22']);
  });

  it('makes ffmpeg notice that its reader is gone', () => {
    const outputs = testSignalArguments(picture, video, audio).filter((argument) =>
      argument.startsWith('rtp://'),
    );
    expect(outputs.every((url) => new URL(url).searchParams.get('connect') === '1')).toBe(true);
  });

  it('has no second input or output without audio', () => {
    const list = testSignalArguments(picture, video, null);
    expect(list.filter((argument) => argument === '-i')).toHaveLength(1);
    expect(list.filter((argument) => argument.startsWith('rtp://'))).toHaveLength(1);
  });

  it('draws a clock only with a font', () => {
    const withFont = testSignalArguments({ ...picture, clockFontPath: '/f.ttf' }, video, null);
    expect(valueAfter(withFont, '-i')).toContain('drawtext=fontfile=/f.ttf');
    expect(testSignalArguments(picture, video, null).join(' ')).not.toContain('drawtext');
  });
});
