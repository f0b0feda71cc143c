// H.264 frames out of packets of real video: whole, described, and never broken.

import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { DepacketizedFrame } from '../../../ingest/rtp/depacketizer.ts';
import { H264Depacketizer } from '../../../ingest/rtp/h264-depacketizer.ts';
import { encodeH264AccessUnits, encodeH264WithBFrames } from '../../support/encoded-samples.ts';
import { orderedPackets } from '../../support/ordered-packets.ts';
import { packH264 } from '../../support/rtp-packetizer.ts';

const pictures = encodeH264AccessUnits('320x180', 12, 5, 2);
const payloadsOf = (units: readonly Uint8Array[]): Uint8Array[] => packH264(units, 500);
const typeOf = (unit: Uint8Array): number => (unit[0] ?? 0) & 0x1f;

/** NAL units behind lengths of four bytes. */
function nalUnitsOf(payload: Uint8Array): Uint8Array[] {
  const bytes = Buffer.from(payload);
  const units: Uint8Array[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const sizeBytes = bytes.readUInt32BE(offset);
    units.push(bytes.subarray(offset + 4, offset + 4 + sizeBytes));
    offset += 4 + sizeBytes;
  }
  return units;
}

function decodedFrames(frames: readonly DepacketizedFrame[]): { count: number; errors: string } {
  const startCode = Uint8Array.of(0, 0, 0, 1);
  const units = frames.flatMap(({ payload }) => nalUnitsOf(payload));
  const result = spawnSync(
    'ffmpeg',
    ['-hide_banner', '-v', 'error', '-f', 'h264', '-i', '-', '-f', 'framecrc', '-'],
    { input: Buffer.concat(units.flatMap((unit) => [startCode, unit])), encoding: 'utf8' },
  );
  const lines = result.stdout.split('\n').filter((line) => /^\d/.test(line));
  return { count: lines.length, errors: result.stderr };
}

describe('the H.264 depacketizer', () => {
  it('gives every access unit whole, with real decoders content', () => {
    const depacketizer = new H264Depacketizer();
    const frames = orderedPackets(pictures.map(payloadsOf)).flatMap((packet) =>
      depacketizer.push(packet),
    );
    expect(frames).toHaveLength(pictures.length);
    frames.forEach((frame, index) => {
      const slices = nalUnitsOf(frame.payload).filter((unit) => [1, 5].includes(typeOf(unit)));
      const sent = (pictures[index] ?? []).filter((unit) => [1, 5].includes(typeOf(unit)));
      expect(Buffer.concat(slices).equals(Buffer.concat(sent))).toBe(true);
    });
    expect(frames.flatMap(({ isKeyframe }, index) => (isKeyframe ? [index] : []))).toEqual([
      0, 5, 10,
    ]);
    expect(decodedFrames(frames)).toEqual({ count: pictures.length, errors: '' });
  });

  it('describes keyframes by their newest parameter sets, in band and as a record', () => {
    const other = encodeH264AccessUnits('202x114', 1, 1);
    const depacketizer = new H264Depacketizer();
    const frames = orderedPackets([pictures[0] ?? [], other[0] ?? []].map(payloadsOf)).flatMap(
      (packet) => depacketizer.push(packet),
    );
    expect(
      frames.map(({ configuration }) => [configuration?.widthPx, configuration?.heightPx]),
    ).toEqual([
      [320, 180],
      [202, 114],
    ]);
    for (const { payload, configuration } of frames) {
      const units = nalUnitsOf(payload);
      const [sequence, picture] = units;
      expect(units.slice(0, 2).map(typeOf)).toEqual([7, 8]);
      const record = Buffer.from(configuration?.decoderConfiguration ?? []);
      expect(record.subarray(0, 6)).toEqual(
        Buffer.from([1, ...(sequence?.subarray(1, 4) ?? []), 0xff, 0xe1]),
      );
      expect(record.includes(Buffer.from(sequence ?? []))).toBe(true);
      expect(record.subarray(record.length - (picture?.length ?? 0))).toEqual(
        Buffer.from(picture ?? []),
      );
    }
  });

  it('drops a keyframe whose parameter sets never came, and asks for another', () => {
    const bare = (pictures[0] ?? []).filter((unit) => typeOf(unit) === 5);
    const depacketizer = new H264Depacketizer();
    const pushAll = (units: readonly Uint8Array[][]): DepacketizedFrame[] =>
      orderedPackets(units.map(payloadsOf)).flatMap((packet) => depacketizer.push(packet));
    expect(pushAll([bare])).toEqual([]);
    expect(depacketizer.needsKeyframe).toBe(true);
    expect(depacketizer.droppedFrames).toBe(1);
    expect(pushAll([pictures[5] ?? []])).toHaveLength(1);
    expect(depacketizer.needsKeyframe).toBe(false);
  });

  it('leaves out delimiters and filler but keeps supplemental information', () => {
    const delimiter = Uint8Array.of(0x09, 0x10);
    const filler = Uint8Array.of(0x0c, 0xff, 0x80);
    const information = Uint8Array.of(0x06, 0x05, 0x01, 0x41, 0x80);
    const depacketizer = new H264Depacketizer();
    const units = [delimiter, information, ...(pictures[0] ?? []), filler];
    const [frame] = orderedPackets([payloadsOf(units)]).flatMap((packet) =>
      depacketizer.push(packet),
    );
    const types = nalUnitsOf(frame?.payload ?? new Uint8Array(0)).map(typeOf);
    expect(types).not.toContain(9);
    expect(types).not.toContain(12);
    expect(types).toContain(6);
  });

  it('drops everything from a loss to the next keyframe', () => {
    const packets = orderedPackets(pictures.map(payloadsOf));
    for (const [lost] of packets.entries()) {
      const depacketizer = new H264Depacketizer();
      const frames = packets.flatMap((packet, index) => {
        if (index === lost) {
          depacketizer.handleLoss();
          return [];
        }
        return depacketizer.push(packet);
      });
      const lostPicture = (packets[lost]?.packet.timestamp ?? 0) / 3_000;
      const resumedAt = [5, 10].find((keyframe) => keyframe > lostPicture) ?? pictures.length;
      const expected = pictures.flatMap((_, index) =>
        index < lostPicture || index >= resumedAt ? [index * 3_000] : [],
      );
      expect(frames.map(({ rtpTimestamp }) => rtpTimestamp)).toEqual(expected);
    }
  });

  it('does not begin in the middle of a picture', () => {
    const depacketizer = new H264Depacketizer();
    const sets = (pictures[0] ?? []).filter((unit) => [7, 8].includes(typeOf(unit)));
    const secondSlice = (pictures[0] ?? []).filter((unit) => typeOf(unit) === 5).slice(1);
    expect(secondSlice).toHaveLength(1);
    const frames = orderedPackets([payloadsOf([...sets, ...secondSlice])]).flatMap((packet) =>
      depacketizer.push(packet),
    );
    expect(frames).toEqual([]);
    expect(depacketizer.needsKeyframe).toBe(true);
  });

  it('leaves out B-frames, whose times run backwards, and nothing else', () => {
    const decodingOrder = encodeH264WithBFrames('320x180', 9);
    const isBFrame = (units: readonly Uint8Array[]): boolean =>
      units.every((unit) => ((unit[0] ?? 0) & 0x60) === 0 || typeOf(unit) > 5);
    // I0 P2 b1 P4 b3 …: each B-frame is shown before the picture that was sent before it.
    let shown = -2;
    const times = decodingOrder.map((units) => {
      if (isBFrame(units)) return shown - 1;
      shown += 2;
      return shown;
    });
    expect(decodingOrder.filter(isBFrame).length).toBeGreaterThanOrEqual(3);
    const depacketizer = new H264Depacketizer();
    const frames = orderedPackets(decodingOrder.map(payloadsOf)).flatMap((ordered) => {
      const timestamp = (times[ordered.packet.timestamp / 3_000] ?? 0) * 3_000;
      return depacketizer.push({ ...ordered, packet: { ...ordered.packet, timestamp } });
    });
    const kept = times.filter((_time, index) => !isBFrame(decodingOrder[index] ?? []));
    expect(frames.map(({ rtpTimestamp }) => rtpTimestamp / 3_000)).toEqual(kept);
    expect(depacketizer.reorderedFrames).toBe(decodingOrder.length - kept.length);
    expect(depacketizer.needsKeyframe).toBe(false);
    expect(decodedFrames(frames)).toEqual({ count: kept.length, errors: '' });
  });
});
