// Several ways to the same thing at once: the first that arrives counts, the others are broken off.

/** Aborts the other attempts when one succeeds, and all when `signal` does; fails as the first when none does. */
export async function firstOf<T>(
  signal: AbortSignal,
  attempts: readonly ((until: AbortSignal) => Promise<T>)[],
): Promise<T> {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.any(attempts.map((attempt) => attempt(controller.signal)));
  } catch (error) {
    throw error instanceof AggregateError ? error.errors[0] : error;
  } finally {
    signal.removeEventListener('abort', abort);
    abort();
  }
}
