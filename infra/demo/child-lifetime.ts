// How long a child process of the demo lives: until a signal, or until its parent is gone.
// The entry points of the broadcaster and the viewers wait for it.

/** Resolves with the reason to end. Call it early: signals before it end the process as usual. */
export function endOfLife(): Promise<string> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve('SIGTERM'));
    process.once('SIGINT', () => resolve('SIGINT'));
    // Also when the parent was killed: the kernel closes its end of the channel.
    if (process.send === undefined) return;
    if (process.connected) process.once('disconnect', () => resolve('parent gone'));
    else resolve('parent gone');
  });
}
