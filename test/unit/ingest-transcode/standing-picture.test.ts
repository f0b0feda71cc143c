// Where the last keyframe stands in for pictures: two seconds behind the sound of a source that sends
// none, until one comes with which a decoder can begin.

import { describe, expect, it } from 'vitest';
import type { EncodedVideoFrame } from '../../../ingest/rtp/encoded-frame.ts';
import { StandingPicture } from '../../../ingest/transcode/standing-picture.ts';

function pictureAt(captureTimeMs: number, isKeyframe: boolean): EncodedVideoFrame {
  const payload = Uint8Array.of(1);
  return {
    ...{ kind: 'video', codec: 'vp8', captureTimeMs, isKeyframe, payload, configuration: null },
  };
}

/** Pictures at 25 a second, the first one alone a keyframe. */
function seen(untilMs: number): StandingPicture {
  const standing = new StandingPicture();
  for (let at = 0; at <= untilMs; at += 40) standing.see(pictureAt(at, at === 0), at);
  return standing;
}

describe('StandingPicture', () => {
  it('stands nowhere while pictures come, however late', () => {
    const standing = new StandingPicture();
    for (let at = 0; at < 10_000; at += 1_000) {
      standing.see(pictureAt(at, at === 0), at);
      expect(standing.beside(at + 1_900)).toEqual([]);
    }
    expect(standing.isStanding).toBe(false);
  });

  it('is the last keyframe, from where the pictures ended', () => {
    const standing = seen(4_000);
    expect(standing.beside(6_280)).toEqual([]);
    const blocks = [...standing.beside(6_620), ...standing.beside(6_900)];
    expect(blocks.map(({ timeMs }) => timeMs)).toEqual([4_300, 4_600, 4_900]);
    expect(blocks.every(({ keyframe }) => keyframe.captureTimeMs === 0)).toBe(true);
  });

  it('reaches up to the keyframe that follows, past pictures that refer to others', () => {
    const standing = seen(4_000);
    standing.beside(6_300);
    expect(standing.before(5_000).map(({ timeMs }) => timeMs)).toEqual([4_600]);
    expect(standing.isStanding).toBe(true);
    standing.see(pictureAt(5_040, true), 5_040);
    expect(standing.isStanding).toBe(false);
    expect(standing.before(5_080)).toEqual([]);
  });

  it('does not catch up on more than three seconds, nor stand in for what never was', () => {
    expect(seen(0).beside(60_000)).toHaveLength(11);
    expect(new StandingPicture().beside(60_000)).toEqual([]);
  });
});
