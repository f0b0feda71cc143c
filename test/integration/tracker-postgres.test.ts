// Telemetry in a real PostgreSQL: the contract of every store, a database that goes away and comes
// back, and one that is not there at all.

import { Tracker } from '@shoal/tracker';
import type { SavingsSummary } from '@shoal/tracker/protocol';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPostgresStore } from '../../tracker/telemetry/postgres-store.ts';
import { beaconWith } from '../support/beacons.ts';
import { pollUntil } from '../support/poll-until.ts';
import { PostgresServer } from '../support/postgres-server.ts';
import { describeTelemetryStore } from '../support/telemetry-store-contract.ts';

const logger = pino({ level: 'silent' });
let server: PostgresServer;

beforeAll(async () => {
  server = await PostgresServer.start();
});

afterAll(async () => {
  await server.close();
});

describeTelemetryStore('postgres', async () =>
  openPostgresStore(await server.createDatabase(), logger),
);

async function report(tracker: Tracker, sequence: number): Promise<number> {
  const response = await fetch(`${tracker.url}/api/v1/beacons`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(beaconWith({ sequence, cdnBytes: 1, peerBytes: 3 })),
  });
  await response.arrayBuffer();
  return response.status;
}

describe('telemetry in PostgreSQL', () => {
  it('answers 503 while the database is gone, recovers by itself and counts each beacon once', async () => {
    const url = await server.createDatabase();
    const tracker = await Tracker.start({ port: 0, store: { kind: 'postgres', url } });
    try {
      expect(await report(tracker, 0)).toBe(204);
      await server.stop();
      expect(await report(tracker, 1)).toBe(503);
      expect((await fetch(`${tracker.url}/readyz`)).status).toBe(503);
      expect((await fetch(`${tracker.url}/healthz`)).status).toBe(200);
      await server.resume();
      // The player sends what was not acknowledged again, as often as it takes.
      await pollUntil(async () => (await report(tracker, 1)) === 204, {
        timeoutMs: 20_000,
        description: 'the store takes beacons again',
      });
      await pollUntil(async () => (await fetch(`${tracker.url}/readyz`)).ok, {
        timeoutMs: 5_000,
        description: 'the tracker is ready again',
      });
      const response = await fetch(`${tracker.url}/api/v1/savings?stream=demo`);
      const summary = (await response.json()) as SavingsSummary;
      expect([summary.cdnBytes, summary.peerBytes]).toEqual([2, 6]);
    } finally {
      await tracker.close('the test is over');
    }
  });

  it('stops the start with what to check when there is no database, without its password', async () => {
    const url = 'postgres://shoal:secret@127.0.0.1:1/nothing';
    const failure = openPostgresStore(url, logger);
    await expect(failure).rejects.toThrow('127.0.0.1:1/nothing cannot be opened');
    await expect(failure).rejects.not.toThrow('secret');
  });
});
