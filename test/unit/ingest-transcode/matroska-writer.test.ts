// The Matroska that ffmpeg reads: clusters stay within what a block's 16-bit time can say.
// That ffmpeg understands it is shown by the integration tests.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sizeBytes } from '../../../ingest/transcode/ebml.ts';
import { MatroskaWriter } from '../../../ingest/transcode/matroska-writer.ts';
import { parameterSetsOf } from '../../../ingest/transcode/parameter-sets.ts';

const tracks = {
  video: { codec: 'vp8', frameRate: 60, widthPx: 16, heightPx: 16, decoderConfiguration: null },
  hasAudio: true,
} as const;

const clusterId = Buffer.from('1f43b675', 'hex');

interface ReadBlock {
  readonly timeTicks: number;
  readonly payload: string;
}

/** Reads what `block` wrote: an optional cluster with its time, then one SimpleBlock. */
function readBlocks(written: readonly Uint8Array[]): { blocks: ReadBlock[]; clusterCount: number } {
  let clusterTicks = Number.NaN;
  let clusterCount = 0;
  const blocks = written.map((bytes) => {
    let rest = Buffer.from(bytes);
    if (rest.subarray(0, 4).equals(clusterId)) {
      clusterCount += 1;
      const length = (rest[13] ?? 0) & 0x7f;
      clusterTicks = rest.readUIntBE(14, length);
      rest = rest.subarray(14 + length);
    }
    expect(rest[0]).toBe(0xa3);
    // Payloads of these tests are short: the size takes one byte.
    const timeTicks = clusterTicks + rest.readInt16BE(3);
    return { timeTicks, payload: rest.subarray(6).toString() };
  });
  return { blocks, clusterCount };
}

describe('MatroskaWriter', () => {
  it('keeps the time of every block, whatever the order of the tracks', () => {
    const block = fc.record({
      track: fc.constantFrom('video' as const, 'audio' as const),
      timeMs: fc.integer({ min: 0, max: 60_000 }),
      isKeyframe: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(block, { minLength: 1, maxLength: 50 }), (list) => {
        const writer = new MatroskaWriter(tracks);
        const written = list.map((item, index) =>
          writer.block({ ...item, payload: Buffer.from(`frame ${index}`) }),
        );
        const { blocks } = readBlocks(written);
        expect(blocks).toEqual(
          list.map(({ timeMs }, index) => ({ timeTicks: timeMs * 10, payload: `frame ${index}` })),
        );
      }),
    );
  });

  it('begins a cluster at keyframes, but not more than one per second', () => {
    const writer = new MatroskaWriter(tracks);
    const written = [0, 500, 1_000, 1_500, 2_000].map((timeMs) =>
      writer.block({ track: 'video', timeMs, isKeyframe: true, payload: Buffer.from('k') }),
    );
    expect(readBlocks(written).clusterCount).toBe(3);
  });

  it('refuses a time before the start', () => {
    const writer = new MatroskaWriter(tracks);
    const block = {
      track: 'audio',
      timeMs: -1,
      isKeyframe: true,
      payload: new Uint8Array(),
    } as const;
    expect(() => writer.block(block)).toThrow(RangeError);
  });

  it('writes sizes in as many bytes as they need, never the reserved all-ones', () => {
    expect(
      [0, 126, 127, 16_382, 16_383, 2_097_150, 2_097_151].map((size) => sizeBytes(size).length),
    ).toEqual([1, 1, 2, 2, 3, 3, 4]);
    expect([...sizeBytes(126)]).toEqual([0xfe]);
    expect([...sizeBytes(127)]).toEqual([0x40, 0x7f]);
  });
});

describe('parameterSetsOf', () => {
  it('gives SPS and PPS behind their lengths', () => {
    const record = Buffer.from('014d401fffe10003676869010002686a', 'hex');
    expect(Buffer.from(parameterSetsOf(record)).toString('hex')).toBe('0000000367686900000002686a');
  });

  it('refuses a record that ends early', () => {
    expect(() => parameterSetsOf(Buffer.from('014d401fffe10009676869', 'hex'))).toThrow(RangeError);
  });
});
