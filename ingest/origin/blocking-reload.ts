// Pure: the delivery directives of a playlist request (RFC 8216bis §6.2.5.2). The media playlist
// route holds the request for the segment that they name.

import { IngestError } from '../errors.ts';

/** RFC 8216bis §6.2.5.2: a request further ahead than this is a mistake of the client. */
const maxSegmentsAhead = 2;

/**
 * The media sequence number that the client waits for, or `null` when it does not wait.
 * `_HLS_part` needs no part of its own here: without parts, the segment answers it.
 * @throws IngestError `delivery-directive-invalid`
 */
export function parseDeliveryDirectives(
  query: Readonly<Record<string, unknown>>,
  lastSequenceNumber: number,
): number | null {
  const { _HLS_msn: msn, _HLS_part: part } = query;
  if (msn === undefined) {
    if (part === undefined) return null;
    throw new IngestError('delivery-directive-invalid', 'Send _HLS_part with _HLS_msn only.');
  }
  if (typeof msn !== 'string' || !/^\d{1,15}$/.test(msn)) {
    throw new IngestError('delivery-directive-invalid', 'Send one decimal number as _HLS_msn.');
  }
  if (part !== undefined && (typeof part !== 'string' || !/^\d{1,15}$/.test(part))) {
    throw new IngestError('delivery-directive-invalid', 'Send one decimal number as _HLS_part.');
  }
  const sequenceNumber = Number(msn);
  if (sequenceNumber > lastSequenceNumber + maxSegmentsAhead) {
    const message = `Ask for at most ${lastSequenceNumber + maxSegmentsAhead}; the playlist ends at ${lastSequenceNumber}.`;
    throw new IngestError('delivery-directive-invalid', message);
  }
  return sequenceNumber;
}
