// What this viewer's line takes, from the times at which pieces leave while others wait behind
// them. Beside uploads.ts; ring-duties asks whether it is enough to own slices.

import type { SwarmState } from './swarm-state.ts';
import { adaptRoom, canServe } from './uploads.ts';

/** Shorter busy times say more about buffers than about the line. */
const leastBusyMs = 500;
const weightOfNew = 0.3;

/** A piece has left. While more are waiting the line is busy, and its pace can be seen. */
export function observeSent(state: SwarmState, nowMs: number): void {
  state.sentCount += 1;
  adaptRoom(state, nowMs);
  const hasMore = canServe(state);
  if (state.busySinceMs !== null) {
    state.busyBytes += state.sendingBytes;
    const busyMs = nowMs - state.busySinceMs;
    if (busyMs >= leastBusyMs || (!hasMore && busyMs > leastBusyMs / 2)) {
      const bytesPerMs = state.busyBytes / busyMs;
      state.uplinkBytesPerMs =
        state.uplinkBytesPerMs === null
          ? bytesPerMs
          : state.uplinkBytesPerMs + weightOfNew * (bytesPerMs - state.uplinkBytesPerMs);
      state.busySinceMs = nowMs;
      state.busyBytes = 0;
    }
  } else {
    state.busyBytes = 0;
  }
  // A limit of our own makes pauses that are not the line's.
  if (!hasMore || state.uploadLimitBytesPerMs !== null) state.busySinceMs = null;
  else state.busySinceMs ??= nowMs;
}
