// Reads the query of the savings routes: which stream, which window. Shared by the plain answer,
// the stream list and the live events.

import { parseStreamId } from '@shoal/ingest/protocol';
import { z } from 'zod';
import { TrackerError } from '../errors.ts';
import type { SavingsQuery } from './savings-reader.ts';

const minWindowSeconds = 10;
const maxWindowSeconds = 30 * 24 * 3_600;
export const defaultWindowSeconds = 300;

const query = z.object({
  stream: z.string().optional(),
  windowSeconds: z.coerce
    .number()
    .int()
    .min(minWindowSeconds)
    .max(maxWindowSeconds)
    .default(defaultWindowSeconds),
  until: z.iso.datetime({ offset: true }).optional(),
});

/** @throws TrackerError `query-invalid` */
export function parseSavingsQuery(value: unknown): SavingsQuery {
  const result = query.safeParse(value);
  if (!result.success) {
    throw new TrackerError(
      'query-invalid',
      `windowSeconds must be a whole number from ${minWindowSeconds} to ${maxWindowSeconds}, stream one name, and until an ISO 8601 time.`,
    );
  }
  const { stream: name, windowSeconds, until } = result.data;
  const stream = name === undefined || name === '' ? null : parseStreamId(name);
  if (stream === null && name !== undefined && name !== '') {
    throw new TrackerError('query-invalid', 'stream must match [a-z0-9][a-z0-9_-]{0,62}.');
  }
  return { stream, windowSeconds, ...(until !== undefined && { untilMs: Date.parse(until) }) };
}
