// Waits for a condition instead of for a time: asks again and again until it holds or a deadline
// has passed. Every test that talks to processes, sockets or browsers uses it.

export interface PollOptions {
  readonly timeoutMs: number;
  /** What is waited for; the error names it. */
  readonly description: string;
  readonly intervalMs?: number;
  /** What there is instead, for the error. */
  readonly state?: () => Promise<unknown>;
}

/**
 * Resolves with the first value of `check` that is neither `null`, `undefined` nor `false`.
 * @throws Error after `timeoutMs`, with the last error of `check` as its cause
 */
export async function pollUntil<Value>(
  check: () => Value | Promise<Value>,
  { timeoutMs, description, intervalMs = 50, state }: PollOptions,
): Promise<Exclude<Value, null | undefined | false>> {
  const deadlineMs = performance.now() + timeoutMs;
  let lastError: unknown;
  for (;;) {
    try {
      const value = await check();
      if (isPresent(value)) return value;
      lastError = undefined;
    } catch (cause) {
      lastError = cause;
    }
    if (performance.now() >= deadlineMs) {
      const instead = state ? `; instead: ${await described(state)}` : '';
      throw new Error(`not within ${timeoutMs} ms: ${description}${instead}`, { cause: lastError });
    }
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}

function isPresent<Value>(value: Value): value is Exclude<Value, null | undefined | false> {
  return value !== null && value !== undefined && value !== false;
}

async function described(state: () => Promise<unknown>): Promise<string> {
  try {
    return JSON.stringify(await state());
  } catch (error) {
    return String(error);
  }
}
