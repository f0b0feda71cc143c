// How long to wait before the next try: grows, is spread over viewers, has a ceiling.
// Pure; both playbacks use it for streams that have not begun and for lost connections.

export const maxRetryDelayMs = 5_000;
const firstDelayMs = 1_000;
const growth = 1.6;

/**
 * Delay in milliseconds before try number `attempt` (0 is the first repetition), at most
 * `maxRetryDelayMs`: who waits for a broadcast must see its start within seconds.
 * @param randomness 0…1; spreads the tries of many viewers over a quarter of the delay
 */
export function retryDelayMs(attempt: number, randomness: number): number {
  const fullMs = Math.min(maxRetryDelayMs, firstDelayMs * growth ** Math.min(attempt, 10));
  return Math.round(fullMs * (0.75 + 0.25 * randomness));
}
