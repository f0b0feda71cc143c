// POST /api/v1/beacons: takes viewers' delivery beacons and answers when they are stored.
// Between the HTTP server and the group commit.

import type { IncomingMessage } from 'node:http';
import type { StreamId } from '@shoal/ingest/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { TrackerError } from '../errors.ts';
import { maxBeaconSizeBytes, playerConfigVersionHeader } from '../protocol/index.ts';
import { parseBeacon } from './beacon-schema.ts';
import type { GroupCommit } from './group-commit.ts';
import type { LoadGate } from './load-gate.ts';
import type { AcceptedBeacon } from './pure/accepted-beacon.ts';
import type { SwarmPictures } from './pure/swarm-pictures.ts';
import type { TelemetryMetrics } from './telemetry-metrics.ts';

/** The stream that a token is good for (`null`: every one), or `null` for a bad token. */
export type VerifyBeaconToken = (
  token: string,
) => Promise<{ readonly stream: string | null } | null>;

export interface BeaconRouteOptions {
  /** Whether there is such a stream, `null` when nobody has said yet; without it, all are taken. */
  readonly knowsStream: ((stream: StreamId) => boolean | null) | null;
  readonly verifyToken: VerifyBeaconToken | null;
  /** The region of a viewer, empty when it is not known; `null`: nobody asks for regions. */
  readonly regionOf: ((request: IncomingMessage) => string) | null;
  readonly commit: GroupCommit;
  readonly load: LoadGate;
  readonly pictures: SwarmPictures;
  readonly metrics: TelemetryMetrics;
  /** Told with every answer, so that players notice a change within one beacon. */
  readonly playerConfigVersion: () => number;
}

/** Made once: a refusal must cost little. */
const refusal = JSON.stringify(
  new TrackerError(
    'limit-reached',
    'Keep the counters and send them with a later beacon.',
  ).toProblem(),
);

/** `server` must be a scope of its own: these routes replace its body parsers. */
export function registerBeaconRoutes(server: FastifyInstance, options: BeaconRouteOptions): void {
  const { commit, metrics, verifyToken, load, knowsStream, pictures } = options;
  server.removeAllContentTypeParsers();
  // navigator.sendBeacon sends text/plain, which needs no preflight (Fetch §4.10).
  server.addContentTypeParser(
    ['application/json', 'text/plain'],
    { parseAs: 'string', bodyLimit: maxBeaconSizeBytes },
    (_request, body, done) => done(null, body),
  );
  // Before the body is read and parsed: that is the work which the refusal saves.
  server.addHook('onRequest', (_request, reply, done) => {
    if (load.admit()) {
      done();
      return;
    }
    metrics.refuseBeacon();
    void reply.code(503).header('retry-after', '5').type('application/problem+json').send(refusal);
  });
  server.post('/api/v1/beacons', { bodyLimit: maxBeaconSizeBytes }, async (request, reply) => {
    const beacon = readBeacon(request.body, metrics);
    if (verifyToken !== null) await checkToken(request, beacon, verifyToken);
    if (knowsStream !== null) checkStream(knowsStream(beacon.stream), metrics);
    try {
      const verdict = await commit.submitBeacon(
        beacon,
        Date.now(),
        options.regionOf?.(request.raw) ?? null,
      );
      metrics.countBeacon(beacon, verdict);
      if (verdict === 'new') pictures.note(beacon, Date.now());
    } catch (error) {
      metrics.refuseBeacon();
      throw error;
    }
    return reply.code(204).header(playerConfigVersionHeader, options.playerConfigVersion()).send();
  });
}

function checkStream(isKnown: boolean | null, metrics: TelemetryMetrics): void {
  if (isKnown === true) return;
  if (isKnown === null) {
    metrics.refuseBeacon();
    throw new TrackerError('ingest-unavailable', 'Keep the counters and send them later.');
  }
  metrics.beacons.inc({ result: 'unknown-stream' });
  throw new TrackerError('stream-unknown', 'Report only streams that this site broadcasts.');
}

function readBeacon(body: unknown, metrics: TelemetryMetrics): AcceptedBeacon {
  try {
    return parseBeacon(parseJson(body));
  } catch (error) {
    metrics.beacons.inc({ result: 'invalid' });
    throw error;
  }
}

function parseJson(body: unknown): unknown {
  try {
    return JSON.parse(typeof body === 'string' ? body : '');
  } catch (error) {
    throw new TrackerError('beacon-invalid', 'Send one JSON object.', { cause: error });
  }
}

/** The token is in the query for `sendBeacon`, which cannot set headers. */
async function checkToken(
  request: FastifyRequest,
  beacon: AcceptedBeacon,
  verifyToken: VerifyBeaconToken,
): Promise<void> {
  const { query } = request;
  const inQuery =
    typeof query === 'object' && query !== null && 'token' in query ? query.token : undefined;
  const inHeader = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const token = inHeader ?? inQuery;
  if (typeof token !== 'string' || token === '') {
    throw new TrackerError('token-missing', 'Send a viewer token as Bearer or as ?token=.');
  }
  const permission = await verifyToken(token);
  if (permission === null) {
    throw new TrackerError('token-invalid', 'Ask the site for a new viewer token.');
  }
  if (permission.stream !== null && permission.stream !== beacon.stream) {
    throw new TrackerError('token-invalid', 'The viewer token is for another stream.');
  }
}
