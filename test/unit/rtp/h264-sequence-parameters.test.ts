// Picture sizes from real sequence parameter sets, compared with what ffprobe reads in the same
// streams; broken sets are refused without harm.

import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSequenceParameters } from '../../../ingest/rtp/h264-sequence-parameters.ts';
import { encodeH264, encodeH264WithBFrames } from '../../support/encoded-samples.ts';
import { splitAnnexB } from '../../support/rtp-packetizer.ts';

function sequenceSetOf(stream: Buffer): Uint8Array {
  const found = splitAnnexB(stream).find((unit) => ((unit[0] ?? 0) & 0x1f) === 7);
  if (found === undefined) throw new Error('the stream has no sequence parameter set');
  return found;
}

function probeSize(stream: Buffer): string {
  const fields = ['-select_streams', 'v:0', '-show_entries', 'stream=width,height'];
  return execFileSync('ffprobe', ['-v', 'error', ...fields, '-of', 'csv=p=0', '-f', 'h264', '-'], {
    input: stream,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'pipe'],
  }).trim();
}

describe('H.264 sequence parameters', () => {
  it.each([
    ['320x180', 'baseline'],
    ['854x480', 'main'],
    ['1280x720', 'high'],
    ['1920x1080', 'high'],
    ['202x114', 'baseline'],
    ['360x640', 'main'],
  ])('have the size that ffprobe sees: %s, %s profile', (size, profile) => {
    const stream = encodeH264(size, 1, 1, 1, profile);
    const parameters = parseSequenceParameters(sequenceSetOf(stream));
    expect(parameters).not.toBeNull();
    const read = `${parameters?.widthPx},${parameters?.heightPx}`;
    expect(read).toBe(size.replace('x', ','));
    expect(read).toBe(probeSize(stream));
  });

  it('tell whether pictures are reordered', () => {
    const reordered = (profile: string) =>
      parseSequenceParameters(sequenceSetOf(encodeH264('320x180', 1, 1, 1, profile)))
        ?.maxReorderedPictures;
    expect(['baseline', 'main', 'high'].map(reordered)).toEqual([0, 0, 0]);
    const withBFrames = encodeH264WithBFrames('320x180', 6)
      .flat()
      .find((unit) => ((unit[0] ?? 0) & 0x1f) === 7);
    expect(parseSequenceParameters(withBFrames ?? new Uint8Array(0))).toMatchObject({
      maxReorderedPictures: 1,
      isInterlaced: false,
    });
  });

  it('are refused when cut, and never make the parser throw', () => {
    const whole = sequenceSetOf(encodeH264('320x180', 1, 1, 1, 'high'));
    expect(parseSequenceParameters(whole.subarray(0, 6))).toBeNull();
    const mutation = fc.record({
      at: fc.nat({ max: whole.length - 1 }),
      value: fc.nat({ max: 255 }),
    });
    fc.assert(
      fc.property(fc.array(mutation, { maxLength: 6 }), fc.nat({ max: 40 }), (mutations, cut) => {
        const bytes = Uint8Array.from(whole);
        for (const { at, value } of mutations) bytes[at] = value;
        parseSequenceParameters(bytes.subarray(0, bytes.length - (cut % bytes.length)));
      }),
      { numRuns: 2_000 },
    );
  });
});
