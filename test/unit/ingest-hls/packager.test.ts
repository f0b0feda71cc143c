// Recorded fragments → segments: cut at keyframes, complete, and never longer than the target.
// The fixture is five seconds of ffmpeg's output, fragments of half a second, keyframes each 2 s.

import { readFileSync } from 'node:fs';
import isoBoxer from 'codem-isoboxer';
import { describe, expect, it } from 'vitest';
import { BoxFormatError, BoxSplitter } from '../../../ingest/hls/box-splitter.ts';
import { describeFragment } from '../../../ingest/hls/fragment.ts';
import { describeInitSection } from '../../../ingest/hls/init-section.ts';
import {
  type PackagedSegment,
  Packager,
  type PackagerOutput,
} from '../../../ingest/hls/packager.ts';

const file = readFileSync(new URL('../../fixtures/fragmented.mp4', import.meta.url));

function segmentsOf(outputs: readonly PackagerOutput[]): PackagedSegment[] {
  return outputs.filter((output) => output.kind === 'segment');
}

function boxesOf(type: string): Uint8Array[] {
  return new BoxSplitter()
    .push(file)
    .filter((box) => box.type === type)
    .map(({ bytes }) => bytes);
}

function packAll(segmentSeconds: number, stream: Uint8Array = file): PackagerOutput[] {
  const packager = new Packager({ segmentSeconds });
  return [...packager.push(stream), ...packager.end()];
}

/** The file without the fragments whose indices are in `left`. */
function without(left: readonly number[]): Buffer {
  const boxes = new BoxSplitter().push(file);
  let fragment = -1;
  return Buffer.concat(
    boxes
      .filter(({ type }) => {
        if (type === 'moof') fragment += 1;
        return !left.includes(fragment);
      })
      .map(({ bytes }) => bytes),
  );
}

describe('Packager', () => {
  it('gives the init section first, with what it says', () => {
    const [init] = packAll(2);
    expect(init).toMatchObject({
      kind: 'init-section',
      description: { codecs: 'avc1.4d400a,mp4a.40.2', widthPx: 64, heightPx: 36 },
    });
  });

  it('cuts at the keyframes of the target duration', () => {
    const segments = segmentsOf(packAll(2));
    expect(segments.map(({ frameCount }) => frameCount)).toEqual([20, 20, 10]);
    expect(segments.every(({ startsWithKeyframe }) => startsWithKeyframe)).toBe(true);
    expect(segments[0]?.startSeconds).toBe(0);
    segments.forEach(({ startSeconds, durationSeconds }, index) => {
      const next = segments[index + 1];
      if (next !== undefined)
        expect(startSeconds + durationSeconds).toBeCloseTo(next.startSeconds, 6);
    });
  });

  it('loses no byte of media', () => {
    const outputs = packAll(2);
    expect(Buffer.concat(outputs.map(({ bytes }) => bytes)).equals(file)).toBe(true);
  });

  it('gives a segment with the byte that completes it, not later', () => {
    const [first] = segmentsOf(packAll(2));
    const initBytes = packAll(2)[0]?.bytes.length ?? 0;
    const endOfFirst = initBytes + (first?.bytes.length ?? 0);
    const packager = new Packager({ segmentSeconds: 2 });
    expect(segmentsOf(packager.push(file.subarray(0, endOfFirst - 1)))).toEqual([]);
    expect(segmentsOf(packager.push(file.subarray(endOfFirst - 1, endOfFirst)))).toHaveLength(1);
  });

  it('joins keyframe intervals that are shorter than the target', () => {
    const segments = segmentsOf(packAll(4));
    expect(segments.map(({ frameCount }) => frameCount)).toEqual([40, 10]);
  });

  it('never makes a segment longer than the target where keyframes are missing', () => {
    // Target 1 s, keyframes each 2 s: it has to cut between keyframes.
    const segments = segmentsOf(packAll(1));
    for (const { durationSeconds } of segments) {
      expect(Math.round(durationSeconds)).toBeLessThanOrEqual(1);
    }
    const keyed = segments.filter(({ startsWithKeyframe }) => startsWithKeyframe);
    expect(keyed.map(({ startSeconds }) => Math.round(startSeconds))).toEqual([0, 2, 4]);
    expect(segments.reduce((sum, { frameCount }) => sum + frameCount, 0)).toBe(50);
  });

  it('does not count a hole in the source as content', () => {
    // Fragments 2 to 7 are lost: from 1 s to 4 s there is nothing.
    const segments = segmentsOf(packAll(2, without([2, 3, 4, 5, 6, 7])));
    expect(segments).toHaveLength(2);
    expect(segments[0]?.durationSeconds).toBeLessThan(2.5);
    expect(segments[1]).toMatchObject({ startsWithKeyframe: true });
    expect(Math.round(segments[1]?.startSeconds ?? 0)).toBe(4);
  });

  it.each([
    { what: 'media before its init section', stream: Buffer.concat(boxesOf('mdat')) },
    { what: 'moov before ftyp', stream: Buffer.concat(boxesOf('moov')) },
    { what: 'noise', stream: Buffer.alloc(64, 0xff) },
  ])('refuses $what', ({ stream }) => {
    const packager = new Packager({ segmentSeconds: 2 });
    expect(() => packager.push(stream)).toThrow(BoxFormatError);
  });

  it('reports damage in a box instead of reading past it', () => {
    for (const source of boxesOf('moov')) {
      for (let length = 0; length < source.length; length += 7) {
        const cut = Buffer.from(source.subarray(0, length));
        expect(() => describeInitSection(cut)).toThrow(BoxFormatError);
      }
    }
  });

  it('reads the same times from fragments as an independent parser', () => {
    const [moov] = boxesOf('moov');
    const init = describeInitSection(moov ?? new Uint8Array());
    const video = init.tracks.find(({ kind }) => kind === 'video');
    for (const moof of boxesOf('moof')) {
      const parsed = isoBoxer.parseBuffer(Uint8Array.from(moof).buffer);
      const index = parsed.fetchAll('tfhd').findIndex(({ track_ID: id }) => id === video?.trackId);
      const baseTime = parsed.fetchAll('tfdt')[index]?.baseMediaDecodeTime ?? Number.NaN;
      const samples = parsed.fetchAll('trun')[index]?.samples.length;
      const fragment = describeFragment(moof, init);
      expect(fragment?.startSeconds).toBeCloseTo(baseTime / (video?.timescale ?? 1), 9);
      expect(fragment?.frameCount).toBe(samples);
    }
  });
});
