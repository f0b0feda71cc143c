// POST /api/v1/cdn-usage: what a CDN's log says it sent, from the log importer or an operator's own
// program. Between the HTTP server and the store; the savings show the comparison.

import { parseStreamId, type StreamId } from '@shoal/ingest/protocol';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { TrackerError } from '../errors.ts';
import { type CdnUsage, cdnUsageStepMs } from './pure/cdn-usage.ts';
import { floorTo } from './pure/resolutions.ts';
import type { TelemetryStore } from './telemetry-store.ts';

const maxBodyBytes = 4 * 1024 * 1024;
/** More than a month of minutes of one stream, or a day of thirty. */
export const maxUsageRows = 50_000;

const body = z.object({
  source: z.string().min(1).max(200),
  usage: z
    .array(
      z.object({
        at: z.iso.datetime({ offset: true }),
        stream: z.string(),
        bytes: z.int().min(0),
      }),
    )
    .max(maxUsageRows),
});

export interface CdnUsageRouteOptions {
  readonly store: TelemetryStore;
  /** Without a dashboard token anybody could make the figures up: then nothing is taken. */
  readonly isProtected: boolean;
}

export function registerCdnUsageRoutes(
  server: FastifyInstance,
  { store, isProtected }: CdnUsageRouteOptions,
): void {
  server.post('/api/v1/cdn-usage', { bodyLimit: maxBodyBytes }, async (request, reply) => {
    if (!isProtected) {
      throw new TrackerError(
        'import-not-enabled',
        'Set SHOAL_DASHBOARD_TOKEN and give it as Bearer: else anybody could change the figures.',
      );
    }
    const { source, usage } = parseUsage(request.body);
    try {
      await store.replaceCdnUsage(source, usage);
    } catch (error) {
      throw new TrackerError('store-unavailable', 'Import the same log again later.', {
        cause: error,
      });
    }
    return reply.code(204).send();
  });
}

function parseUsage(value: unknown): { source: string; usage: CdnUsage[] } {
  const result = body.safeParse(value);
  if (!result.success) {
    const issue = result.error.issues[0];
    const field = issue?.path.join('.') || 'the body';
    throw new TrackerError('request-invalid', `${field}: ${issue?.message ?? 'is not valid'}.`);
  }
  const sums = new Map<string, { atMs: number; stream: StreamId; bytes: number }>();
  for (const { at, stream: name, bytes } of result.data.usage) {
    const stream = parseStreamId(name);
    if (stream === null) {
      throw new TrackerError('request-invalid', 'stream must match [a-z0-9][a-z0-9_-]{0,62}.');
    }
    const atMs = floorTo(Date.parse(at), cdnUsageStepMs);
    const key = `${atMs}/${stream}`;
    sums.set(key, { atMs, stream, bytes: (sums.get(key)?.bytes ?? 0) + bytes });
  }
  return { source: result.data.source, usage: [...sums.values()] };
}
