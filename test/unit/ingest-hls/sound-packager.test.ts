// The sound of recorded fragments cut where pictures are cut: every frame once, at its own time, in
// the segment in which its middle lies; silence only where frames are missing.

import { readFileSync } from 'node:fs';
import isoBoxer from 'codem-isoboxer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoxFormatError, BoxSplitter } from '../../../ingest/hls/box-splitter.ts';
import { describeInitSection } from '../../../ingest/hls/init-section.ts';
import type { PackagedSegment, PackagerOutput } from '../../../ingest/hls/packager.ts';
import {
  readSoundFrames,
  type SoundFrame,
  writeSoundFragment,
} from '../../../ingest/hls/sound-fragment.ts';
import { SoundPackager } from '../../../ingest/hls/sound-packager.ts';

/** Five seconds of ffmpeg's output with pictures and sound, in fragments of half a second. */
const file = readFileSync(new URL('../../fixtures/fragmented.mp4', import.meta.url));
const boxes = new BoxSplitter().push(file);
const moov = boxes.find(({ type }) => type === 'moov')?.bytes ?? new Uint8Array();
const track = describeInitSection(moov).tracks.find(({ kind }) => kind === 'audio');
if (track === undefined) throw new Error('the fixture has no sound');
const { trackId, timescale } = track;
const halfFrameSeconds = 512 / timescale;

function framesIn(bytes: Uint8Array): readonly SoundFrame[] {
  const [moof, mdat] = new BoxSplitter().push(bytes);
  if (moof === undefined || mdat === undefined) throw new Error('not a fragment');
  return readSoundFrames(moof.bytes, mdat.bytes, trackId);
}

const fragments = boxes.flatMap(({ type, bytes }, index) =>
  type === 'moof' ? [{ moof: bytes, mdat: boxes[index + 1]?.bytes ?? new Uint8Array() }] : [],
);
const all = fragments.flatMap(({ moof, mdat }) => readSoundFrames(moof, mdat, trackId));
const first = all[0];
const last = all.at(-1);
if (first === undefined || last === undefined) throw new Error('the fixture has no sound');
const startSeconds = first.startTicks / timescale;
const endSeconds = (last.startTicks + last.durationTicks) / timescale;

function segmentsOf(outputs: readonly PackagerOutput[]): PackagedSegment[] {
  return outputs.filter((output) => output.kind === 'segment');
}

function hexOf(frames: readonly SoundFrame[]): string[] {
  return frames.map(({ bytes }) => Buffer.from(bytes).toString('hex'));
}

describe('SoundPackager', () => {
  it('gives the init section first', () => {
    const [init] = new SoundPackager({ segmentSeconds: 2 }).push(file);
    expect(init).toMatchObject({ kind: 'init-section' });
  });

  it('cuts where it is told, whenever it is told, and loses no frame', () => {
    const cutMs = fc.integer({ min: 2, max: 48 }).map((count) => count * 100 + 7);
    const cutTimes = fc.uniqueArray(cutMs, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(cutTimes, fc.integer({ min: 1, max: 9_000 }), (times, chunkBytes) => {
        const cuts = times.toSorted((a, b) => a - b).map((ms) => ms / 1000);
        const packager = new SoundPackager({ segmentSeconds: 6 });
        const outputs: PackagerOutput[] = [];
        const pending = [...cuts];
        for (let at = 0; at < file.length; at += chunkBytes) {
          outputs.push(...packager.push(file.subarray(at, at + chunkBytes)));
          // Some cuts come before their sound, some after it.
          const [next] = pending;
          if (next !== undefined && (at / file.length) * 6 > next) {
            pending.shift();
            outputs.push(...packager.cutAt(next));
          }
        }
        for (const cut of pending) outputs.push(...packager.cutAt(cut));
        outputs.push(...packager.cutAt(endSeconds, true), ...packager.end());
        const segments = segmentsOf(outputs);
        expect(segments).toHaveLength(cuts.length + 1);
        expect(hexOf(segments.flatMap(({ bytes }) => framesIn(bytes)))).toEqual(hexOf(all));
        for (const [index, cut] of cuts.entries()) {
          const end = segments[index]?.mediaEndSeconds ?? Number.NaN;
          expect(Math.abs(end - cut)).toBeLessThanOrEqual(halfFrameSeconds + 1e-6);
          expect((segments[index + 1]?.startSeconds ?? 0) + startSeconds).toBeCloseTo(end, 6);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('waits for the last frame before a cut, and for no other', () => {
    const packager = new SoundPackager({ segmentSeconds: 2 });
    packager.push(file.subarray(0, file.length - last.bytes.length));
    const held = Math.floor(endSeconds * 10) / 10 - 0.6;
    expect(segmentsOf(packager.cutAt(held))).toHaveLength(1);
    expect(segmentsOf(packager.cutAt(endSeconds + 1))).toEqual([]);
  });

  it('puts silence where sound is missing at the end, up to the cut', () => {
    const packager = new SoundPackager({ segmentSeconds: 2 });
    packager.push(file);
    const [whole] = segmentsOf(packager.cutAt(endSeconds - 1));
    expect(whole).toBeDefined();
    expect(segmentsOf(packager.cutAt(endSeconds + 0.5))).toEqual([]);
    const [filled, ...others] = segmentsOf(packager.end());
    expect(others).toEqual([]);
    expect(Math.abs((filled?.mediaEndSeconds ?? 0) - endSeconds - 0.5)).toBeLessThanOrEqual(
      halfFrameSeconds + 1e-6,
    );
    const sizes = framesIn(filled?.bytes ?? file).map(({ bytes }) => bytes.length);
    expect(sizes.filter((size) => size === 9).length).toBeGreaterThanOrEqual(22);
  });

  it('has a segment for every cut, also for pictures shorter than a frame of sound', () => {
    const packager = new SoundPackager({ segmentSeconds: 2 });
    packager.push(file);
    packager.cutAt(2);
    const [short] = segmentsOf(packager.cutAt(2.001));
    expect(framesIn(short?.bytes ?? file)).toHaveLength(1);
  });

  it('has a hole where the pictures have one, however long, and goes on behind it', () => {
    const frames = (from: number): SoundFrame[] =>
      Array.from({ length: 100 }, (_, index) => ({
        ...{ startTicks: (from + index) * 1024, durationTicks: 1024 },
        bytes: Uint8Array.of(Math.floor(from / 100), index),
      }));
    for (const [holeFrames, segmentSeconds] of [
      [200, 2],
      [10_000, 2],
      [10_000, 6],
    ] as const) {
      const packager = new SoundPackager({ segmentSeconds });
      const init = boxes.filter(({ type }) => type === 'ftyp' || type === 'moov');
      for (const { bytes } of init) packager.push(bytes);
      for (let from = 0; from < holeFrames + 100; from += 100) {
        packager.push(writeSoundFragment({ trackId, sequenceNumber: 1, frames: frames(from) }));
      }
      const [before] = segmentsOf(packager.cutAt((holeFrames * 1024) / timescale));
      const kept = framesIn(before?.bytes ?? file);
      const longestSeconds = segmentSeconds + 0.499;
      const keptSeconds = (kept.length * 1024) / timescale;
      const expectedSeconds = Math.min(longestSeconds, (holeFrames * 1024) / timescale);
      expect(Math.abs(keptSeconds - expectedSeconds)).toBeLessThanOrEqual(halfFrameSeconds + 1e-6);
      expect(before?.durationSeconds).toBeCloseTo(Math.min(keptSeconds, longestSeconds), 6);
      expect(kept[0]?.startTicks).toBe(0);
      expect(before?.mediaEndSeconds).toBeCloseTo((holeFrames * 1024) / timescale, 6);
      const [after] = segmentsOf(packager.cutAt(((holeFrames + 50) * 1024) / timescale));
      const behind = framesIn(after?.bytes ?? file);
      expect(behind).toHaveLength(50);
      expect(behind[0]?.startTicks).toBe(holeFrames * 1024);
      expect(hexOf(behind)).toEqual(hexOf(frames(holeFrames).slice(0, 50)));
    }
  });

  it.each([
    { what: 'media before its init section', type: 'mdat' },
    { what: 'moov before ftyp', type: 'moov' },
  ])('refuses $what', ({ type }) => {
    const stream = boxes.find((box) => box.type === type)?.bytes ?? new Uint8Array();
    expect(() => new SoundPackager({ segmentSeconds: 2 }).push(stream)).toThrow(BoxFormatError);
  });

  it('reports damage in a fragment instead of reading past it', () => {
    const { moof, mdat } = fragments[0] ?? { moof: file, mdat: file };
    expect(() => readSoundFrames(moof, mdat.subarray(0, 400), trackId)).toThrow(BoxFormatError);
    for (let length = 8; length < moof.length; length += 5) {
      expect(() => readSoundFrames(moof.subarray(0, length), mdat, trackId)).toThrow(
        BoxFormatError,
      );
    }
  });
});

describe('a fragment of sound', () => {
  it.each([1024, 700])('is read by an independent parser, a last frame of %d too', (lastTicks) => {
    const frames: SoundFrame[] = [1024, 1024, lastTicks].map((durationTicks, index) => ({
      ...{ startTicks: 2 ** 33 + index * 1024, durationTicks },
      bytes: Uint8Array.from({ length: 10 + index }, () => index),
    }));
    const bytes = writeSoundFragment({ trackId, sequenceNumber: 7, frames });
    const parsed = isoBoxer.parseBuffer(Uint8Array.from(bytes).buffer);
    expect(parsed.fetchAll('tfdt')[0]?.baseMediaDecodeTime).toBe(2 ** 33);
    expect(parsed.fetchAll('trun')[0]?.samples.map((sample) => sample.sample_size)).toEqual([
      ...[10, 11, 12],
    ]);
    expect(framesIn(bytes)).toEqual(frames);
  });
});
