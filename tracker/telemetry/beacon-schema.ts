// Reads a beacon that a stranger sent: strict bounds, unknown fields ignored, ids parsed. The
// beacon route calls it, the rollup counts what it accepts.

import { parseRenditionName, parseStreamId } from '@shoal/ingest/protocol';
import { z } from 'zod';
import { TrackerError } from '../errors.ts';
import { maxReportedPeers, shortPeerIdPattern } from '../protocol/index.ts';
import type { AcceptedBeacon } from './pure/accepted-beacon.ts';

// A page in the background may be silent for long; its next beacon then covers all of it.
const maxCoveredSeconds = 24 * 3_600;
/** 40 Gbyte in one beacon is a broken counter, not a viewer. */
const maxBytes = 40e9;
const maxLatencySeconds = 24 * 3_600;

const bytes = z.int().min(0).max(maxBytes);
const seconds = z.number().min(0).max(maxCoveredSeconds);

const stream = z.string().transform((text, context) => {
  const id = parseStreamId(text);
  if (id !== null) return id;
  context.addIssue({ code: 'custom', message: 'must match [a-z0-9][a-z0-9_-]{0,62}' });
  return z.NEVER;
});

const rendition = z
  .string()
  .nullable()
  .transform((text, context) => {
    if (text === null) return null;
    const name = parseRenditionName(text);
    if (name !== null) return name;
    context.addIssue({ code: 'custom', message: 'must match [a-z0-9][a-z0-9_-]{0,31}' });
    return z.NEVER;
  });

const shortPeerId = z.string().regex(shortPeerIdPattern, 'must be 8 of [A-Za-z0-9]');

const beacon = z.object({
  session: z.string().regex(/^[A-Za-z0-9_-]{16,64}$/, 'must be 16 to 64 of [A-Za-z0-9_-]'),
  sequence: z.int().min(0).max(1e9),
  stream,
  rendition,
  intervalMs: z
    .number()
    .min(0)
    .max(maxCoveredSeconds * 1_000),
  cdnBytes: bytes,
  peerBytes: bytes,
  uploadedBytes: bytes,
  discardedBytes: bytes,
  relayedBytes: bytes.default(0),
  stallCount: z.int().min(0).max(100_000),
  stallSeconds: seconds,
  playedSeconds: seconds,
  startupSeconds: seconds.nullable(),
  liveLatencySeconds: z.number().min(-maxLatencySeconds).max(maxLatencySeconds).nullable(),
  peerCount: z.int().min(0).max(10_000),
  p2pEnabled: z.boolean(),
  peerId: shortPeerId.optional(),
  peers: z
    .array(z.object({ id: shortPeerId, receivedBytes: bytes, sentBytes: bytes }))
    .max(maxReportedPeers)
    .optional(),
  heldOut: z.boolean().optional(),
  guard: z.enum(['careful', 'off']).optional(),
  errorCount: z.int().min(0).max(100_000).optional(),
  cdnTroubleCount: z.int().min(0).max(100_000).optional(),
  lateBytes: bytes.optional(),
  ended: z.boolean(),
});

function toMs(valueSeconds: number): number {
  return Math.round(valueSeconds * 1_000);
}

/**
 * The beacon in a parsed body.
 * @throws TrackerError `beacon-invalid` that names the first wrong field
 */
export function parseBeacon(body: unknown): AcceptedBeacon {
  const result = beacon.safeParse(body);
  if (!result.success) {
    const issue = result.error.issues[0];
    const field = issue?.path.join('.') || 'the body';
    throw new TrackerError('beacon-invalid', `${field}: ${issue?.message ?? 'is not valid'}.`);
  }
  const { stallSeconds, playedSeconds, startupSeconds, liveLatencySeconds, ...rest } = result.data;
  return {
    ...rest,
    stalledMs: toMs(stallSeconds),
    playedMs: toMs(playedSeconds),
    startupMs: startupSeconds === null ? null : toMs(startupSeconds),
    // A viewer's clock that runs ahead gives a latency below zero: true of the clock, not of it.
    liveLatencyMs:
      liveLatencySeconds === null || liveLatencySeconds < 0 ? null : toMs(liveLatencySeconds),
  };
}
