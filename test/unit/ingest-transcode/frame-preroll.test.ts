// When a broadcast starts: at its first keyframe, as soon as it is known whether there is sound.

import { describe, expect, it } from 'vitest';
import type { EncodedFrame } from '../../../ingest/rtp/encoded-frame.ts';
import { FramePreroll } from '../../../ingest/transcode/frame-preroll.ts';

function picture(captureTimeMs: number, isKeyframe: boolean): EncodedFrame {
  const configuration = isKeyframe
    ? { widthPx: 64, heightPx: 36, decoderConfiguration: null }
    : null;
  const payload = new Uint8Array(8);
  return { kind: 'video', codec: 'vp8', captureTimeMs, isKeyframe, payload, configuration };
}

/** Pictures after a keyframe at zero. */
function pictures(count: number, distanceMs = 40): EncodedFrame[] {
  return Array.from({ length: count }, (_, index) => picture((index + 1) * distanceMs, false));
}

function sound(captureTimeMs: number): EncodedFrame {
  return { kind: 'audio', codec: 'opus', captureTimeMs, payload: new Uint8Array(4) };
}

describe('FramePreroll', () => {
  it('puts zero at the first keyframe and drops what came before it', () => {
    const preroll = new FramePreroll({ hasVideo: true, hasAudio: true });
    const before = [sound(-30), picture(-20, false)];
    for (const frame of [...before, picture(0, true), ...pictures(7)]) preroll.push(frame);
    expect(preroll.isComplete).toBe(true);
    const taken = preroll.take();
    expect(taken).toMatchObject({ originTimeMs: 0, hasAudio: true });
    expect(taken?.frames.map(({ captureTimeMs }) => captureTimeMs)).toEqual([
      ...[0, 40, 80, 120, 160, 200, 240, 280],
    ]);
  });

  it('waits for sound after the keyframe, and can start without it', () => {
    const preroll = new FramePreroll({ hasVideo: true, hasAudio: true });
    for (const frame of [picture(0, true), ...pictures(20)]) preroll.push(frame);
    expect(preroll).toMatchObject({ isComplete: false, hasKeyframe: true });
    expect(preroll.take()).toMatchObject({ hasAudio: false, originTimeMs: 0 });
  });

  it('does not wait for sound that was not announced', () => {
    const preroll = new FramePreroll({ hasVideo: true, hasAudio: false });
    for (const frame of [picture(0, true), ...pictures(7)]) preroll.push(frame);
    expect(preroll.isComplete).toBe(true);
  });

  it.each([
    [[0, 17, 33, 50, 67, 83, 100, 117], 60],
    [[0, 31, 68, 99, 135, 168, 199, 233], 30],
    [[0, 200, 240, 280, 320, 360, 401, 440], 25],
    [[0, 5], 120],
    [[0], 30],
  ])('knows the pace of pictures at %j: %d a second', (timesMs, frameRate) => {
    const preroll = new FramePreroll({ hasVideo: true, hasAudio: false });
    for (const timeMs of timesMs) preroll.push(picture(timeMs, timeMs === 0));
    expect(preroll.isComplete).toBe(timesMs.length >= 8);
    expect(preroll.take()).toMatchObject({ frameRate });
  });

  it('starts with the first packet where there is no picture', () => {
    const preroll = new FramePreroll({ hasVideo: false, hasAudio: true });
    preroll.push(sound(70));
    expect(preroll.isComplete).toBe(true);
    expect(preroll.take()).toMatchObject({ originTimeMs: 70, firstKeyframe: null });
  });

  it('stops waiting when it holds more than 8 MiB', () => {
    const preroll = new FramePreroll({ hasVideo: true, hasAudio: true });
    preroll.push({ ...picture(0, true), payload: new Uint8Array(9 * 1024 * 1024) });
    expect(preroll.isComplete).toBe(true);
  });

  it('has nothing to start with before a keyframe', () => {
    const preroll = new FramePreroll({ hasVideo: true, hasAudio: true });
    preroll.push(sound(0));
    preroll.push(picture(10, false));
    expect(preroll.take()).toBeNull();
  });
});
