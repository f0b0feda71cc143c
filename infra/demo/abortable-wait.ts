// Waits for a time or until somebody gives up, whichever comes first. For the headless viewer and
// its tracks.

/** Resolves after `delayMs`, at once when `signal` aborts. */
export function abortableWait(delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, delayMs);
    signal.addEventListener('abort', finish);
  });
}
