// A telemetry file with an hour of history of a simulated audience, for tests that look at it.

import { parseBeacon } from '../../tracker/telemetry/beacon-schema.ts';
import { Rollup } from '../../tracker/telemetry/pure/rollup.ts';
import { openSqliteStore } from '../../tracker/telemetry/sqlite-store.ts';
import { simulateAudience } from './simulated-audience.ts';

const durationMs = 45 * 60_000;
const viewerCount = 60;

/** Writes what 60 viewers reported in the last 45 minutes before `endMs`. */
export async function storeSimulatedAudience(filePath: string, endMs: number): Promise<void> {
  const store = await openSqliteStore(filePath);
  const rollup = new Rollup({ maxSessions: 1_000, maxPendingSums: 100_000 });
  const startMs = endMs - durationMs;
  const audience = simulateAudience({ seed: 9, viewerCount, startMs, durationMs });
  for (const { atMs, beacon } of audience.arrivals) {
    if (atMs < endMs) rollup.addBeacon(parseBeacon(beacon), atMs);
  }
  const batch = rollup.takePending();
  if (batch !== null) await store.commit(batch);
  await store.close();
}
