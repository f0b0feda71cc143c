// npm run bench sim: the player's scheduler in swarms that no machine holds, beside the best that
// is possible, and beside what the real benchmark measured where it has the same case.

import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type SimCase, simCases } from '../sim/sim-cases.ts';
import { defaultModel } from '../sim/swarm-model.ts';
import type { SwarmOutcome } from '../sim/swarm-outcome.ts';
import { SwarmSimulator } from '../sim/swarm-simulator.ts';
import { type BenchReport, type BenchRows, resultsDirectory } from './bench-report.ts';
import { sharePlot } from './share-plot.ts';

const seeds = [1, 2, 3];
/** In swarms of this size one seed says enough. */
const manyViewers = 1_000;
const plotName = 'sim.svg';
const plotTitle = 'What the CDN sends of all media bytes; red: the least that is possible';

function draw(rows: BenchRows): string {
  const shares = rows.map((row) => ({
    name: String(row.case),
    cdnShare: 1 - Number(row.offload),
    leastShare: 1 - Number(row['most possible']),
  }));
  return sharePlot(plotTitle, shares);
}

/** Offload of the rows of the swarm benchmark, by their case. */
async function measuredOffloads(): Promise<ReadonlyMap<string, number>> {
  const text = await readFile(path.join(resultsDirectory, 'swarm.json'), 'utf8').catch(() => '');
  const offloads = new Map<string, number>();
  if (text === '') return offloads;
  const { rows } = JSON.parse(text) as { rows: readonly Record<string, string | number>[] };
  for (const row of rows) {
    if (row.scheme === 'Shoal' && row.starved === 'no')
      offloads.set(String(row.case), Number(row.offload));
  }
  return offloads;
}

/** The seeds' mean; what must not happen at all is added up. */
function meanOf(outcomes: readonly SwarmOutcome[], value: (outcome: SwarmOutcome) => number) {
  return outcomes.reduce((sum, outcome) => sum + value(outcome), 0) / outcomes.length;
}

function rowOf(
  { name, measuredAs }: SimCase,
  outcomes: readonly SwarmOutcome[],
  measured: ReadonlyMap<string, number>,
) {
  const mean = (value: (outcome: SwarmOutcome) => number): number => meanOf(outcomes, value);
  const reasons = ['owner', 'backup', 'hedge', 'start', 'alone'] as const;
  const byReason = reasons
    .map((reason) => ({ reason, copies: mean((each) => each.copiesByReason[reason] ?? 0) }))
    .filter(({ copies }) => copies >= 0.005)
    .map(({ reason, copies }) => `${reason} ${round(copies, 2)}`);
  const offload = mean((each) => each.offload);
  const real = measuredAs === undefined ? undefined : measured.get(measuredAs);
  return {
    case: name,
    copies: round(
      mean((each) => each.copies),
      2,
    ),
    'copies p95': round(
      mean((each) => each.copiesP95),
      2,
    ),
    offload: round(offload, 5),
    'most possible': round(
      mean((each) => each.limit),
      5,
    ),
    'offload of the honest': round(
      mean((each) => each.honestOffload),
      4,
    ),
    'on real WebRTC': real ?? '–',
    'difference in points': real === undefined ? '–' : round(100 * (offload - real), 1),
    'copies by reason': byReason.join(', '),
    'stall s per viewer-minute': round(
      mean((each) => each.stallSecondsPerViewerMinute),
      3,
    ),
    'published to stored s': round(mean((each) => each.storedAfterMs) / 1_000, 2),
    'discarded %': round(100 * mean((each) => each.discardedShare), 2),
    'messages per viewer-second': round(
      mean((each) => each.messagesPerViewerSecond),
      0,
    ),
    fairness: round(
      mean((each) => each.fairness),
      2,
    ),
  };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** All cases or those whose name begins so: a minute, and some more for 10,000 viewers. */
export async function benchSim(caseNames: readonly string[]): Promise<BenchReport> {
  const measured = await measuredOffloads();
  const rows: ReturnType<typeof rowOf>[] = [];
  for (const each of simCases) {
    if (caseNames.length > 0 && !caseNames.some((name) => each.name.startsWith(name))) continue;
    const isLarge = (each.model.viewerCount ?? 0) >= manyViewers;
    const outcomes = (isLarge ? seeds.slice(0, 1) : seeds).map((seed) =>
      new SwarmSimulator({ ...defaultModel, ...each.model, seed }).run(),
    );
    const row = rowOf(each, outcomes, measured);
    console.log(row);
    rows.push(row);
  }
  return {
    name: 'sim',
    title: "Swarms in simulated time: the player's scheduler beside the best possible",
    method: `The scheduler that players run, over a model of the network; ${seeds.length} seeds a row (one from 1,000 viewers on), deterministic. 2.5 Mbit/s, segments of 2 s, 6 to 8 s behind live unless said; one-way delays of 10 to 75 ms, 18 % of the pairs cannot connect, ten neighbours and at most 16; serial uplinks on which each piece costs 40 bytes more and each control message 80; downlinks of 50 Mbit/s; the CDN answers after 20 ms with 25 Mbit/s (jittery: an exponential 100 ms more, 10 to 25 Mbit/s). Most possible: one copy and one first segment of each who joins, or what the uplinks carry. Uplinks are a multiple of the stream. All viewers of a row but the crowd are there from its beginning, as strangers; poor mixes are measured after 16 s, in which those who got too little have found strong neighbours. Cheats are counted as viewers, and what they take from the CDN as copies; the offload of the honest leaves both out. Not modelled: lost packets, congestion control, CPU. On real WebRTC: the row of \`npm run bench swarm\` with the same name.`,
    appendix: `![${plotTitle}](${plotName})`,
    plot: { fileName: plotName, draw },
    rows,
  };
}
