// The pace at which pieces have been coming from peers of late. The hedge counts on a part of it.

import type { SwarmState } from './swarm-state.ts';

const windowMs = 1_000;
/** Over a shorter time than this one piece would look like a flood. */
const leastWindowMs = 300;

export function noteReceived(state: SwarmState, nowMs: number): void {
  state.receivedAtMs.push(nowMs);
  forgetOld(state, nowMs);
}

/** Pieces per millisecond. */
export function receivedPerMs(state: SwarmState, nowMs: number): number {
  forgetOld(state, nowMs);
  const spanMs = Math.min(windowMs, Math.max(leastWindowMs, nowMs - state.metAtMs));
  return state.receivedAtMs.length / spanMs;
}

function forgetOld({ receivedAtMs }: SwarmState, nowMs: number): void {
  let old = 0;
  while (old < receivedAtMs.length && (receivedAtMs[old] ?? 0) < nowMs - windowMs) old += 1;
  if (old > 0) receivedAtMs.splice(0, old);
}
