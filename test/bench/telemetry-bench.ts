// How many beacons one core takes, and what happens at three times as many: refused ones are told
// so, acknowledged ones are all in the sums.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { SavingsSummary } from '@shoal/tracker/protocol';
import { BeaconConnection } from './beacon-connection.ts';
import type { BenchReport } from './bench-report.ts';
import { MeasuredServer } from './measured-server.ts';

const connectionCount = 500;
const measuredMs = 6_000;
const overloadFactor = 3;
const tickMs = 10;
/** What is not answered by then counts as unanswered. */
const drainMs = 15_000;

/** Pairs of runs; the row shown is that of the median run, losses are those of all. */
const rounds = 3;

export async function benchTelemetry(): Promise<BenchReport> {
  const steady: Measurement[] = [];
  const overloaded: Measurement[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const run = await measure('as fast as answered', null);
    steady.push(run);
    overloaded.push(await measure(`${overloadFactor} times that`, run.perSecond * overloadFactor));
  }
  return {
    name: 'telemetry',
    title: 'Beacons into SQLite, one tracker process',
    method: `${connectionCount} connections to one tracker process with a SQLite file; every beacon is of a viewer among 10,000 and carries one byte, so that the sum of the savings is the number of counted beacons. First each connection sends its next beacon when the last was answered; then beacons are sent at ${overloadFactor} times the measured rate whatever comes back, for ${measuredMs / 1_000} s each; the median of ${rounds} such pairs. "Lost" are acknowledged beacons that the savings do not hold, in all runs together. The load runs on the same machine.`,
    rows: [medianRow(steady), medianRow(overloaded)],
  };
}

function medianRow(runs: readonly Measurement[]): Measurement['row'] {
  const sorted = runs.toSorted((a, b) => a.perSecond - b.perSecond);
  const middle = sorted[Math.floor(sorted.length / 2)];
  return { ...middle?.row, lost: runs.reduce((sum, { lostCount }) => sum + lostCount, 0) };
}

interface Measurement {
  readonly perSecond: number;
  readonly lostCount: number;
  readonly row: Readonly<Record<string, string | number>>;
}

/** @param perSecond beacons to send whatever is answered; `null`: the next after each answer */
async function measure(load: string, perSecond: number | null): Promise<Measurement> {
  const directory = await mkdtemp(path.join(tmpdir(), 'shoal-bench-'));
  const server = await MeasuredServer.start('shoal', path.join(directory, 'telemetry.sqlite'));
  const connections = await Promise.all(
    Array.from({ length: connectionCount }, (_, index) =>
      BeaconConnection.open(server.port, index, connectionCount),
    ),
  );
  const before = await server.figures();
  const startMs = performance.now();
  if (perSecond === null) await sendWhenAnswered(connections);
  else await sendAtRate(connections, perSecond);
  const seconds = (performance.now() - startMs) / 1_000;
  const after = await server.figures();
  await drained(connections);
  const count = (pick: (connection: BeaconConnection) => number): number =>
    connections.reduce((sum, connection) => sum + pick(connection), 0);
  const acknowledged = count(({ acknowledgedCount }) => acknowledgedCount);
  const refused = count(({ refusedCount }) => refusedCount);
  const sent = count(({ sentCount }) => sentCount);
  const counted = await countedBytes(server.port);
  for (const connection of connections) connection.close();
  await server.stop();
  await rm(directory, { recursive: true });
  const lostCount = Math.max(0, acknowledged - counted);
  return {
    perSecond: acknowledged / seconds,
    lostCount,
    row: {
      load,
      'sent/s': Math.round(sent / seconds),
      'acknowledged/s': Math.round(acknowledged / seconds),
      'per second of CPU': Math.round(acknowledged / (after.cpuSeconds - before.cpuSeconds)),
      'answered 503': refused,
      unanswered: sent - acknowledged - refused,
      lost: lostCount,
    },
  };
}

async function sendWhenAnswered(connections: readonly BeaconConnection[]): Promise<void> {
  for (const connection of connections) connection.repeat();
  await pause(measuredMs);
  for (const connection of connections) connection.stopRepeating();
}

async function sendAtRate(
  connections: readonly BeaconConnection[],
  perSecond: number,
): Promise<void> {
  const startMs = performance.now();
  let sent = 0;
  for (;;) {
    const elapsedMs = performance.now() - startMs;
    if (elapsedMs >= measuredMs) return;
    const due = Math.floor((elapsedMs / 1_000) * perSecond);
    for (; sent < due; sent += 1) connections[sent % connections.length]?.send();
    await pause(tickMs);
  }
}

async function drained(connections: readonly BeaconConnection[]): Promise<void> {
  const deadlineMs = performance.now() + drainMs;
  while (
    connections.some(({ waitingCount }) => waitingCount > 0) &&
    performance.now() < deadlineMs
  ) {
    await pause(50);
  }
}

async function countedBytes(port: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/savings?windowSeconds=300`);
  const { cdnBytes } = (await response.json()) as SavingsSummary;
  return cdnBytes;
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
