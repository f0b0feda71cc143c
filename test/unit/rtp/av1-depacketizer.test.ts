// AV1 from RTP: real temporal units of libaom, aggregated and fragmented as the payload format
// says, come out as containers want them, described as ffmpeg describes them.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Av1Depacketizer } from '../../../ingest/rtp/av1-depacketizer.ts';
import { readLeb128, writeLeb128 } from '../../../ingest/rtp/av1-obu.ts';
import { av1ConfigurationBox, encodeAv1 } from '../../support/encoded-samples.ts';
import { packAv1, splitObus } from '../../support/modern-codec-packetizer.ts';
import { orderedPackets } from '../../support/ordered-packets.ts';
import { splitIvf } from '../../support/rtp-packetizer.ts';

const temporalDelimiter = 2;
const file = encodeAv1('320x180', 8, 4);
const units = splitIvf(file).map((unit) =>
  splitObus(unit).filter(({ type }) => type !== temporalDelimiter),
);
const expected = units.map((obus) => Buffer.concat(obus.map(({ whole }) => whole)));

function packAll(maxPayloadBytes: number, isCounted: boolean): Uint8Array[][] {
  return units.map((obus) =>
    packAv1(
      obus.map(({ bare }) => bare),
      maxPayloadBytes,
      isCounted,
    ),
  );
}

describe('the AV1 depacketizer', () => {
  it.each([
    [1_200, true],
    [300, true],
    [300, false],
    [60, false],
  ])(
    'gives temporal units from packets of %i bytes back, counted elements: %s',
    (size, isCounted) => {
      const depacketizer = new Av1Depacketizer();
      const packets = orderedPackets(packAll(size, isCounted));
      expect(packets.length).toBeGreaterThanOrEqual(units.length);
      const given = packets.flatMap((packet) => depacketizer.push(packet));
      expect(given.map(({ payload }) => Buffer.from(payload))).toEqual(expected);
      expect(given.map(({ isKeyframe }) => isKeyframe)).toEqual(
        units.map((_unit, index) => index % 4 === 0),
      );
    },
  );

  it('describes keyframes with the size and the record that ffmpeg writes', () => {
    const depacketizer = new Av1Depacketizer();
    const given = orderedPackets(packAll(300, true)).flatMap((packet) => depacketizer.push(packet));
    const { configuration } = given[0] ?? { configuration: null };
    expect(configuration).toMatchObject({ widthPx: 320, heightPx: 180 });
    const record = Buffer.from(configuration?.decoderConfiguration ?? []);
    expect(record.toString('hex')).toBe(av1ConfigurationBox(file).toString('hex'));
  });

  it('waits for a keyframe after a loss', () => {
    const depacketizer = new Av1Depacketizer();
    const given = orderedPackets(packAll(300, true)).flatMap((packet, index) => {
      if (index !== 1) return depacketizer.push(packet);
      depacketizer.handleLoss();
      return [];
    });
    expect(given.map(({ isKeyframe }) => isKeyframe)).toEqual([true, false, false, false]);
    expect(depacketizer.droppedFrames).toBe(4);
  });

  it('never fails, whatever the bytes', () => {
    const all = packAll(300, true).flat();
    const damaged = fc
      .tuple(fc.constantFrom(...all), fc.nat(40), fc.nat(255))
      .map(([packet, at, value]) => Buffer.from(packet.with(at % packet.length, value)));
    fc.assert(
      fc.property(fc.array(fc.oneof(damaged, fc.uint8Array({ maxLength: 30 }))), (payloads) => {
        const depacketizer = new Av1Depacketizer();
        for (const packet of orderedPackets([payloads])) depacketizer.push(packet);
      }),
      { numRuns: 300 },
    );
  });

  it('reads the sizes that it writes', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31), (value) => {
        const bytes = writeLeb128(value);
        expect(readLeb128(bytes, 0)).toEqual({ value, end: bytes.length });
      }),
    );
  });
});
