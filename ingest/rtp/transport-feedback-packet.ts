// The wire form of transport-wide congestion control feedback
// (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1), built from the recorder's arrivals.

import { viewOf } from './byte-view.ts';

export interface TransportFeedback {
  readonly senderSsrc: number;
  readonly mediaSsrc: number;
  /** Counts feedback packets, modulo 256. */
  readonly feedbackCount: number;
  /** Transport sequence number of the first status, modulo 65536. */
  readonly baseSequenceNumber: number;
  /** Arrival of each packet from the base on in quarters of a millisecond; `null` when missing. */
  readonly arrivalTicks: readonly (number | null)[];
}

const formatTransportFeedback = 15;
const typeTransportFeedback = 205;
const headerBytes = 20;
/** The reference time counts 64 ms. */
const ticksPerReference = 256;
const symbolMissing = 0;
const symbolSmallDelta = 1;
const symbolLargeDelta = 2;
const symbolsPerVector = 7;
const maxRunLength = 8191;

/** Whether the step from one arrival to the next fits into a delta of the wire form. */
export function fitsDelta(deltaTicks: number): boolean {
  return deltaTicks >= -32_768 && deltaTicks <= 32_767;
}

/** Reference time in units of 64 ms for a first arrival; goes on the wire modulo 2²⁴. */
function referenceTimeOf(arrivalTicks: number): number {
  return Math.floor(arrivalTicks / ticksPerReference);
}

/** The feedback as an RTCP packet. Steps between arrivals must satisfy `fitsDelta`. */
export function buildTransportFeedback(feedback: TransportFeedback): Uint8Array {
  const firstArrival = feedback.arrivalTicks.find((ticks) => ticks !== null) ?? 0;
  const referenceTime = referenceTimeOf(firstArrival);
  const { symbols, deltas } = encodeArrivals(
    feedback.arrivalTicks,
    referenceTime * ticksPerReference,
  );
  const chunks = encodeChunks(symbols);
  const unpaddedBytes = headerBytes + chunks.length * 2 + deltas.length;
  const paddingBytes = (4 - (unpaddedBytes % 4)) % 4;
  const bytes = new Uint8Array(unpaddedBytes + paddingBytes);
  const view = viewOf(bytes);
  view.setUint8(0, 0x80 | (paddingBytes > 0 ? 0x20 : 0) | formatTransportFeedback);
  view.setUint8(1, typeTransportFeedback);
  view.setUint16(2, bytes.length / 4 - 1);
  view.setUint32(4, feedback.senderSsrc);
  view.setUint32(8, feedback.mediaSsrc);
  view.setUint16(12, feedback.baseSequenceNumber);
  view.setUint16(14, symbols.length);
  const wrappedReference = referenceTime % 2 ** 24;
  view.setUint32(16, ((wrappedReference << 8) | (feedback.feedbackCount & 0xff)) >>> 0);
  chunks.forEach((chunk, index) => {
    view.setUint16(headerBytes + index * 2, chunk);
  });
  bytes.set(deltas, headerBytes + chunks.length * 2);
  if (paddingBytes > 0) view.setUint8(bytes.length - 1, paddingBytes);
  return bytes;
}

function encodeArrivals(arrivalTicks: readonly (number | null)[], referenceTicks: number) {
  const symbols: number[] = [];
  const deltas: number[] = [];
  let previousTicks = referenceTicks;
  for (const ticks of arrivalTicks) {
    if (ticks === null) {
      symbols.push(symbolMissing);
      continue;
    }
    const delta = ticks - previousTicks;
    previousTicks = ticks;
    if (delta >= 0 && delta <= 255) {
      symbols.push(symbolSmallDelta);
      deltas.push(delta);
    } else {
      symbols.push(symbolLargeDelta);
      deltas.push((delta >> 8) & 0xff, delta & 0xff);
    }
  }
  return { symbols, deltas };
}

/** Run-length chunks for seven or more equal symbols, else vectors of seven two-bit symbols. */
function encodeChunks(symbols: readonly number[]): number[] {
  const chunks: number[] = [];
  let index = 0;
  while (index < symbols.length) {
    const symbol = symbols[index] ?? symbolMissing;
    let runLength = 1;
    while (runLength < maxRunLength && symbols[index + runLength] === symbol) runLength += 1;
    if (runLength >= symbolsPerVector) {
      chunks.push((symbol << 13) | runLength);
      index += runLength;
      continue;
    }
    let chunk = 0xc000;
    for (let place = 0; place < symbolsPerVector; place += 1) {
      chunk |= (symbols[index + place] ?? symbolMissing) << (12 - 2 * place);
    }
    chunks.push(chunk);
    index += symbolsPerVector;
  }
  return chunks;
}
