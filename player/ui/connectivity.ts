// Whether the browser has a network, and when that changes: back from no network at all, or from
// one network to another. Both playbacks wait less when they hear of it.

/** `true` only where the browser is sure: many say online as long as there is any interface. */
export function isOffline(): boolean {
  return globalThis.navigator?.onLine === false;
}

/** Calls until `signal` aborts. `onBack`: online again or on another network; `onGone`: offline. */
export function watchConnectivity(
  listeners: { readonly onBack: () => void; readonly onGone: () => void },
  signal: AbortSignal,
): void {
  globalThis.addEventListener('online', listeners.onBack, { signal });
  globalThis.addEventListener('offline', listeners.onGone, { signal });
  // Network Information API, Chromium only: a phone that leaves its Wi-Fi is never offline.
  const connection: unknown = Reflect.get(globalThis.navigator ?? {}, 'connection');
  if (connection instanceof EventTarget) {
    const changed = (): void => {
      if (!isOffline()) listeners.onBack();
    };
    connection.addEventListener('change', changed, { signal });
  }
}
