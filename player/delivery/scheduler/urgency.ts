// How long what has happened may wait until the scheduler runs: each run is a task of its own, which costs
// a page more than what is done in it. Noted by the events of swarm-scheduler, read by who runs it.

import { announceAtMs } from './announcements.ts';
import type { SwarmState } from './swarm-state.ts';

/** What is to be done at once waits for what comes in the same moment, or is done in the same task. */
export const atOnceMs = 2;

/** Somebody waits for what this viewer does next: a line is idle, or the play head comes. */
export function runAtOnce(state: SwarmState): void {
  state.pauseMs = Math.min(state.pauseMs, atOnceMs);
}

/** The more is decided together, the fewer messages it takes. */
export function runSoon(state: SwarmState): void {
  state.pauseMs = Math.min(state.pauseMs, state.constants.gatherMs);
}

/** There is news for the neighbours, and nothing else to do. */
export function runToTell(state: SwarmState, nowMs: number): void {
  const waitMs = Math.max(state.constants.gatherMs, announceAtMs(state) - nowMs);
  state.pauseMs = Math.min(state.pauseMs, waitMs);
}
