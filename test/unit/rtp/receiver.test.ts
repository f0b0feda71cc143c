// The whole receiving side under bad networks: whatever is lost, repeated, reordered or mangled,
// frames come out whole and in order, or not at all.

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EncodedFrame } from '../../../ingest/rtp/encoded-frame.ts';
import { RtpReceiver, type TrackDescription } from '../../../ingest/rtp/receiver.ts';
import { encodeH264AccessUnits, encodeVp8 } from '../../support/encoded-samples.ts';
import {
  packH264,
  packVp8,
  transportSequenceExtensionId,
  writeRtpPacket,
} from '../../support/rtp-packetizer.ts';

const startMs = 1_700_000_000_000;
const frameMs = 33;
const maxPayloadBytes = 600;
const mediaSsrc = 11;
const rtxSsrc = 12;

const videoTrack = (codec: 'h264' | 'vp8'): TrackDescription => ({
  kind: 'video',
  codec,
  payloadType: 96,
  retransmissionPayloadType: 97,
  clockRateHz: 90_000,
  canRequestRetransmission: true,
});
const audioTrack: TrackDescription = {
  kind: 'audio',
  codec: 'opus',
  payloadType: 111,
  retransmissionPayloadType: null,
  clockRateHz: 48_000,
  canRequestRetransmission: false,
};

function makeReceiver(tracks: readonly TrackDescription[]): RtpReceiver {
  return new RtpReceiver({
    tracks,
    transportSequenceExtensionId,
    senderSsrc: 99,
    keyframeIntervalMs: 2_000,
  });
}

interface SentPacket {
  readonly frame: number;
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly payload: Uint8Array;
}

/** Packets of all frames, with the sequence numbers and timestamps wrapping on the way. */
function sendAll(frames: readonly (readonly Uint8Array[])[]): SentPacket[] {
  let sequenceNumber = 0xffff - 20;
  return frames.flatMap((payloads, frame) =>
    payloads.map((payload, index) => {
      sequenceNumber = (sequenceNumber + 1) & 0xffff;
      const timestamp = (0xffff_ffff - 9_000 + frame * 3_000) >>> 0;
      const marker = index === payloads.length - 1;
      return { frame, sequenceNumber, timestamp, marker, payload };
    }),
  );
}

function mediaDatagram(sent: SentPacket): Uint8Array {
  return writeRtpPacket({ ...sent, payloadType: 96, ssrc: mediaSsrc });
}

/** RFC 4588 §4. */
function rtxDatagram(sent: SentPacket, rtxSequenceNumber: number): Uint8Array {
  const original = Uint8Array.of(sent.sequenceNumber >> 8, sent.sequenceNumber & 0xff);
  return writeRtpPacket({
    ...sent,
    payloadType: 97,
    ssrc: rtxSsrc,
    sequenceNumber: rtxSequenceNumber,
    payload: Buffer.concat([original, sent.payload]),
  });
}

/** Sequence numbers that a NACK asks for; empty for any other RTCP. */
function requestedBy(rtcp: Uint8Array): number[] {
  const bytes = Buffer.from(rtcp);
  if (bytes.readUInt8(0) !== 0x81 || bytes.readUInt8(1) !== 205) return [];
  const numbers: number[] = [];
  for (let offset = 12; offset < bytes.length; offset += 4) {
    const packetId = bytes.readUInt16BE(offset);
    const bitmask = bytes.readUInt16BE(offset + 2);
    numbers.push(packetId);
    for (let bit = 0; bit < 16; bit += 1) {
      if ((bitmask >> bit) & 1) numbers.push((packetId + bit + 1) & 0xffff);
    }
  }
  return numbers;
}

const isPli = (rtcp: Uint8Array): boolean => rtcp[0] === 0x81 && rtcp[1] === 206;
const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

interface Network {
  /** Per packet: lost, repeated, and delayed by so many milliseconds. */
  readonly fates: readonly { lost: boolean; twice: boolean; delayMs: number }[];
  readonly rttMs: number;
  /** Share of retransmissions that are lost, too: every n-th; 0 for none. */
  readonly rtxLossEvery: number;
}

/** Runs a session in simulated time, millisecond by millisecond. */
function runSession(codec: 'h264' | 'vp8', sent: readonly SentPacket[], network: Network) {
  const receiver = makeReceiver([videoTrack(codec)]);
  const arrivals = new Map<number, Uint8Array[]>();
  const deliver = (atMs: number, datagram: Uint8Array): void => {
    const time = Math.round(atMs);
    arrivals.set(time, [...(arrivals.get(time) ?? []), datagram]);
  };
  sent.forEach((packet, index) => {
    const fate = network.fates[index % Math.max(1, network.fates.length)];
    const atMs = packet.frame * frameMs + (fate?.delayMs ?? 0);
    if (fate?.lost !== true) deliver(atMs, mediaDatagram(packet));
    if (fate?.twice === true) deliver(atMs + 7, mediaDatagram(packet));
  });
  const bySequenceNumber = new Map(sent.map((packet) => [packet.sequenceNumber, packet]));
  const frames: EncodedFrame[] = [];
  let keyframeRequests = 0;
  let retransmissions = 0;
  const endMs = (sent.at(-1)?.frame ?? 0) * frameMs + 1_500;
  for (let timeMs = 0; timeMs < endMs; timeMs += 1) {
    for (const datagram of arrivals.get(timeMs) ?? []) {
      frames.push(...receiver.handlePacket(datagram, startMs + timeMs));
    }
    if (timeMs % 10 !== 0) continue;
    const output = receiver.tick(startMs + timeMs);
    frames.push(...output.frames);
    keyframeRequests += output.rtcp.filter(isPli).length;
    for (const sequenceNumber of output.rtcp.flatMap(requestedBy)) {
      const packet = bySequenceNumber.get(sequenceNumber);
      expect(packet).toBeDefined();
      retransmissions += 1;
      const isLost = network.rtxLossEvery > 0 && retransmissions % network.rtxLossEvery === 0;
      if (packet !== undefined && !isLost) {
        deliver(timeMs + 1 + network.rttMs, rtxDatagram(packet, retransmissions));
      }
    }
  }
  return { frames, keyframeRequests, statistics: receiver.statistics() };
}

const h264 = encodeH264AccessUnits('320x180', 30, 10, 2);
const vp8 = encodeVp8('320x180', 30, 10);
const samples = {
  h264: sendAll(h264.map((units) => packH264(units, maxPayloadBytes))),
  vp8: sendAll(vp8.map((frame, index) => packVp8(frame, index, maxPayloadBytes))),
};
const perfect = { fates: [{ lost: false, twice: false, delayMs: 0 }], rttMs: 20, rtxLossEvery: 0 };

/** Frame payload digests of a perfect run, in order. */
const truths = {
  h264: runSession('h264', samples.h264, perfect).frames.map(({ payload }) => digestOf(payload)),
  vp8: runSession('vp8', samples.vp8, perfect).frames.map(({ payload }) => digestOf(payload)),
};

/** Every frame is one of the true ones, in order, and continues from the one before or a keyframe. */
function expectUnbroken(codec: 'h264' | 'vp8', frames: readonly EncodedFrame[]): void {
  let previous = -1;
  for (const frame of frames) {
    const index = truths[codec].indexOf(digestOf(frame.payload));
    expect(index).toBeGreaterThan(previous);
    if (frame.kind === 'video' && !frame.isKeyframe) expect(index).toBe(previous + 1);
    previous = index;
  }
  const times = frames.map(({ captureTimeMs }) => captureTimeMs);
  expect([...times].sort((left, right) => left - right)).toEqual(times);
}

const fate = fc.record({
  lost: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
  twice: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
  delayMs: fc.oneof(
    { weight: 4, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 120 }) },
  ),
});

describe.each(['h264', 'vp8'] as const)('the receiver of %s', (codec) => {
  it('gives every frame over a perfect network', () => {
    expect(truths[codec]).toHaveLength(30);
    const { frames, statistics } = runSession(codec, samples[codec], perfect);
    expect(statistics.tracks[0]).toMatchObject({ lostPackets: 0, requestedRetransmissions: 0 });
    expect(frames.filter((frame) => frame.kind === 'video' && frame.isKeyframe)).toHaveLength(3);
  });

  it('learns the round trip from retransmissions alone, not from packets that were overtaken', () => {
    const fates = Array.from({ length: 40 }, (_unused, index) => ({
      lost: index % 10 === 5,
      twice: false,
      delayMs: index % 4 === 2 ? 12 : 0,
    }));
    const { statistics } = runSession(codec, samples[codec], { ...perfect, fates, rttMs: 60 });
    expect(statistics.tracks[0]?.recoveredPackets).toBeGreaterThan(3);
    expect(statistics.tracks[0]?.rttMs).toBeGreaterThan(45);
    expect(statistics.tracks[0]?.rttMs).toBeLessThan(80);
  });

  it('gives every frame when retransmission works, whatever is lost, repeated or reordered', () => {
    fc.assert(
      fc.property(fc.array(fate, { minLength: 40, maxLength: 90 }), (fates) => {
        // Nothing repairs the loss of the first packet (nobody knows of it) or of the last one.
        const kept = fates.map((entry, index) => (index === 0 ? perfect.fates[0] : entry));
        const usable = kept.flatMap((entry) => (entry === undefined ? [] : [entry]));
        const sent = samples[codec];
        const spread = sent.map((_, index) => usable[index % usable.length] ?? usable[0]);
        const all = spread.flatMap((entry, index) => {
          if (entry === undefined) return [];
          const isEdge = index === 0 || index === sent.length - 1;
          return [isEdge ? { lost: false, twice: false, delayMs: 0 } : entry];
        });
        const network = { fates: all, rttMs: 30, rtxLossEvery: 0 };
        const { frames } = runSession(codec, sent, network);
        expect(frames.map(({ payload }) => digestOf(payload))).toEqual(truths[codec]);
        expectUnbroken(codec, frames);
      }),
      { numRuns: 25 },
    );
  });

  it('never gives a broken frame when retransmissions are lost or late', () => {
    const network = fc.record({
      fates: fc.array(fate, { minLength: 5, maxLength: 90 }),
      rttMs: fc.constantFrom(20, 200, 800),
      rtxLossEvery: fc.constantFrom(1, 2, 3),
    });
    fc.assert(
      fc.property(network, (conditions) => {
        const { frames } = runSession(codec, samples[codec], conditions);
        expectUnbroken(codec, frames);
      }),
      { numRuns: 40 },
    );
  });

  it('asks for a keyframe and resumes with it after a loss for good', () => {
    const sent = samples[codec];
    const middle = sent.findIndex(({ frame }) => frame === 4);
    const fates = sent.map((_, index) => ({ lost: index === middle, twice: false, delayMs: 0 }));
    const lossy = { fates, rttMs: 20, rtxLossEvery: 1 };
    const { frames, keyframeRequests, statistics } = runSession(codec, sent, lossy);
    const expected = truths[codec].filter((_, index) => index < 4 || index >= 10);
    expect(frames.map(({ payload }) => digestOf(payload))).toEqual(expected);
    expect(keyframeRequests).toBeGreaterThanOrEqual(1);
    expect(statistics.tracks[0]).toMatchObject({ lostPackets: 1, recoveredPackets: 0 });
  });

  it('survives any mangled packet', () => {
    const mutation = fc.record({
      packet: fc.nat({ max: samples[codec].length - 1 }),
      at: fc.nat({ max: 40 }),
      value: fc.nat({ max: 255 }),
      cutTo: fc.option(fc.nat({ max: 60 })),
    });
    fc.assert(
      fc.property(fc.array(mutation, { maxLength: 30 }), (mutations) => {
        const receiver = makeReceiver([videoTrack(codec), audioTrack]);
        const datagrams = samples[codec].map((sent) => Uint8Array.from(mediaDatagram(sent)));
        for (const { packet, at, value, cutTo } of mutations) {
          const datagram = datagrams[packet];
          if (datagram === undefined) continue;
          datagram[at] = value;
          datagrams[packet] = datagram.slice(0, cutTo ?? datagram.length);
        }
        datagrams.forEach((datagram, index) => {
          receiver.handlePacket(datagram, startMs + index * 5);
          receiver.tick(startMs + index * 5);
        });
      }),
      { numRuns: 60 },
    );
  });
});

describe('the receiver', () => {
  it('survives arbitrary datagrams', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 40 }), (datagrams) => {
        const receiver = makeReceiver([videoTrack('h264'), audioTrack]);
        for (const [index, datagram] of datagrams.entries()) {
          receiver.handlePacket(datagram, startMs + index);
          receiver.tick(startMs + index);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('follows a sender that starts anew under another SSRC or from another number', () => {
    const receiver = makeReceiver([videoTrack('vp8')]);
    const push = (sent: SentPacket, ssrc: number, shift: number): EncodedFrame[] => {
      const sequenceNumber = (sent.sequenceNumber + shift) & 0xffff;
      const packet = writeRtpPacket({ ...sent, payloadType: 96, ssrc, sequenceNumber });
      return receiver.handlePacket(packet, startMs + sent.frame * frameMs);
    };
    const first = samples.vp8.filter(({ frame }) => frame < 5);
    expect(first.flatMap((sent) => push(sent, 1, 0))).toHaveLength(5);
    expect(first.flatMap((sent) => push(sent, 2, 5_000))).toHaveLength(5);
    // A jump is believed with its second packet, so that the first frame is not whole.
    expect(samples.vp8.flatMap((sent) => push(sent, 2, 20_000))).toHaveLength(20);
    expect(receiver.statistics().tracks[0]?.senderRestarts).toBe(2);
  });

  it('asks where a segment should begin, again while none comes, and when somebody needs one', () => {
    const receiver = makeReceiver([videoTrack('vp8')]);
    const requestedAtMs: number[] = [];
    for (let timeMs = 0; timeMs < 9_000; timeMs += 10) {
      const sent = samples.vp8.filter(({ frame }) => frame * frameMs === timeMs - (timeMs % 33));
      if (timeMs < 990)
        for (const packet of sent) {
          receiver.handlePacket(mediaDatagram(packet), startMs + timeMs);
        }
      if (timeMs === 5_000) receiver.requestKeyframe();
      if (timeMs === 5_100) receiver.requestKeyframe();
      if (receiver.tick(startMs + timeMs).rtcp.some(isPli)) requestedAtMs.push(timeMs);
    }
    expect(requestedAtMs).toEqual([2_000, 2_250, 2_750, 3_750, 5_000, 5_200, 7_200]);
  });

  it('hands on audio packets one by one, in order, over losses', () => {
    const receiver = makeReceiver([audioTrack]);
    const frames: EncodedFrame[] = [];
    for (let index = 0; index < 100; index += 1) {
      const nowMs = startMs + index * 20;
      const packet = writeRtpPacket({
        payloadType: 111,
        sequenceNumber: (65_500 + index) & 0xffff,
        timestamp: index * 960,
        ssrc: 5,
        marker: index === 0,
        payload: Uint8Array.of(0xfc, index),
      });
      if (index % 10 !== 7) frames.push(...receiver.handlePacket(packet, nowMs));
      for (let tick = 0; tick < 20; tick += 10) {
        frames.push(...receiver.tick(nowMs + tick).frames);
      }
    }
    expect(frames.length).toBeGreaterThanOrEqual(87);
    const gaps = frames.slice(1).map((frame, index) => {
      return Math.round(frame.captureTimeMs - (frames[index]?.captureTimeMs ?? 0));
    });
    expect(new Set(gaps)).toEqual(new Set([20, 40]));
  });

  it('reports loss and feedback to the sender', () => {
    const receiver = makeReceiver([{ ...videoTrack('vp8'), canRequestRetransmission: false }]);
    const reports: Buffer[] = [];
    let feedbackPackets = 0;
    for (let index = 0; index < 200; index += 1) {
      const datagram = writeRtpPacket({
        payloadType: 96,
        sequenceNumber: index,
        timestamp: index * 3_000,
        ssrc: mediaSsrc,
        marker: true,
        payload: Uint8Array.of(0x10, 1, 2),
        transportSequenceNumber: index,
      });
      if (index % 4 !== 3) receiver.handlePacket(datagram, startMs + index * 10);
      for (const rtcp of receiver.tick(startMs + index * 10).rtcp) {
        if (rtcp[1] === 201) reports.push(Buffer.from(rtcp));
        if (rtcp[1] === 205 && ((rtcp[0] ?? 0) & 0x1f) === 15) feedbackPackets += 1;
      }
    }
    const last = reports.at(-1);
    expect(reports.length).toBeGreaterThanOrEqual(3);
    expect(last?.readUInt32BE(8)).toBe(mediaSsrc);
    expect(last?.readUInt8(12)).toBeGreaterThan(50);
    expect(last?.readUInt8(12)).toBeLessThan(80);
    expect(feedbackPackets).toBeGreaterThanOrEqual(35);
  });
});
