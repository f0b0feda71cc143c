// How late this viewer's timers are: those of a hidden tab up to a second, those of a busy machine by
// as much as it is busy. The hedge begins earlier by it.

import type { SwarmState } from './swarm-state.ts';

/** What was seen counts half after this time. */
const halfLifeMs = 10_000;
/** As players and the simulator plan: coalesced, and at least once a second. */
const toleranceMs = 10;
const mostLateMs = 1_000;
const longestWaitMs = 1_000;

/** The scheduler runs, later than it asked for or not. */
export function noteRun(state: SwarmState, nowMs: number): void {
  const lateMs = Math.min(mostLateMs, nowMs - state.plannedAtMs - toleranceMs);
  if (lateMs <= latenessMs(state, nowMs)) return;
  state.lateMs = lateMs;
  state.lateAtMs = nowMs;
}

export function notePlan(state: SwarmState, nowMs: number, nextMs: number): void {
  state.plannedAtMs = Math.max(nowMs, Math.min(nextMs, nowMs + longestWaitMs));
}

export function latenessMs({ lateMs, lateAtMs }: SwarmState, nowMs: number): number {
  return lateMs * 0.5 ** ((nowMs - lateAtMs) / halfLifeMs);
}
