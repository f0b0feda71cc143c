// Where silence stands in for sound: beside all pictures of a source without a microphone, and a
// second behind the pictures of one whose sound has stalled.

import { describe, expect, it } from 'vitest';
import { Silence } from '../../../ingest/transcode/silence.ts';

function timesOf(silence: Silence, pictureTimesMs: readonly number[]): number[] {
  return pictureTimesMs.flatMap((at) => silence.beside(at).map(({ timeMs }) => timeMs));
}

describe('Silence', () => {
  it('goes along with the pictures of a source without sound', () => {
    expect(timesOf(new Silence(false), [0, 40, 80])).toEqual([0, 20, 40, 60, 80]);
  });

  it('does not catch up on more than half a second', () => {
    const times = timesOf(new Silence(false), [0, 60_000]);
    expect(times).toHaveLength(27);
    expect(times[1]).toBe(59_500);
  });

  it('stands nowhere while sound comes, however it jitters', () => {
    const silence = new Silence(true);
    for (let at = 0; at < 5_000; at += 40) {
      expect(silence.beside(at)).toEqual([]);
      if (at >= 600) expect(silence.hear(at - 600)).toBe(true);
    }
  });

  it('begins a second after sound has stalled, where that ended', () => {
    const silence = new Silence(true);
    silence.hear(980);
    expect(timesOf(silence, [1_500, 1_960])).toEqual([]);
    expect(timesOf(silence, [2_000, 2_040, 2_080])).toEqual([1_000, 1_020, 1_040, 1_060, 1_080]);
  });

  it('does not let late sound stand on it', () => {
    const silence = new Silence(true);
    silence.hear(980);
    silence.beside(2_100);
    expect(silence.hear(1_050)).toBe(false);
    expect(silence.hear(1_120)).toBe(true);
    expect(timesOf(silence, [2_140])).toEqual([1_140]);
  });
});
