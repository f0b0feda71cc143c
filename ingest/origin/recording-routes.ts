// Deleting a recording, for whoever has the admin token. The composition root registers it beside
// the origin's routes, which are for everybody and change nothing.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { IngestError } from '../errors.ts';
import { parseRecordingId, parseStreamId } from '../protocol/index.ts';
import type { LiveStreams } from './live-stream.ts';
import type { RecordingArchive } from './recording-archive.ts';

export interface RecordingRoutesOptions {
  readonly streams: LiveStreams;
  /** `null` when nothing is recorded. */
  readonly archive: RecordingArchive | null;
  /** `undefined` lets nobody in. */
  readonly adminToken: string | undefined;
}

const recordingPath = '/api/v1/recordings/:stream/:recording';

interface Params {
  readonly stream: string;
  readonly recording: string;
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [given, expected].map((text) => createHash('sha256').update(text).digest());
  return a !== undefined && b !== undefined && timingSafeEqual(a, b);
}

/** @throws IngestError `admin-token-missing` or `admin-token-wrong` */
function requireAdmin(authorization: string | undefined, adminToken: string | undefined): void {
  if (adminToken === undefined) {
    throw new IngestError('admin-token-wrong', 'Set SHOAL_ADMIN_TOKEN to allow this.');
  }
  const given = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1];
  if (given === undefined) {
    throw new IngestError('admin-token-missing', 'Send Authorization: Bearer and the token.');
  }
  if (!isSame(given, adminToken)) {
    throw new IngestError('admin-token-wrong', 'Check SHOAL_ADMIN_TOKEN of the service.');
  }
}

/** DELETE of one finished recording: 204, and its URLs are gone. */
export function registerRecordingRoutes(
  app: FastifyInstance,
  { streams, archive, adminToken }: RecordingRoutesOptions,
): void {
  app.delete<{ Params: Params }>(recordingPath, async (request, reply) => {
    requireAdmin(request.headers.authorization, adminToken);
    const stream = parseStreamId(request.params.stream);
    const recording = parseRecordingId(request.params.recording);
    const isDeleted =
      stream !== null && recording !== null && (await archive?.delete(stream, recording)) === true;
    if (!isDeleted) {
      const detail = 'There is no such recording, or its broadcast still runs.';
      throw new IngestError('resource-not-found', detail);
    }
    streams.forget(stream, recording);
    await reply.code(204).send();
  });
}
