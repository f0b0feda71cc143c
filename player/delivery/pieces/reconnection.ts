// How soon a viewer that lost its tracker connects again: within seconds, spread over viewers, and
// rarer while it fails. piece-links gives it to bittorrent-tracker's client, which waits minutes.

const firstSpreadMs = 4_000;
const leastMs = 500;
const mostMs = 60_000;

/** @param failures attempts that failed since the last connection; `random` gives 0…1 */
export function reconnectDelayMs(failures: number, random: () => number): number {
  const spreadMs = Math.min(mostMs, firstSpreadMs * 2 ** Math.min(failures, 10));
  return Math.min(mostMs, leastMs + random() * spreadMs);
}

/** A tracker of the client, as far as reconnecting goes (bittorrent-tracker 11.2.3). */
interface ReconnectingTracker {
  reconnecting: boolean;
  retries: number;
  announceUrl: string;
  reconnectTimer: ReturnType<typeof setTimeout> | null;
  socket?: { _interval?: ReturnType<typeof setInterval> | null } | null;
  _openSocket(): void;
  _startReconnectTimer(): void;
}

/**
 * Replaces the client's own waiting: 10 s to 5 min after the first loss (`RECONNECT_VARIANCE` of
 * `lib/client/websocket-tracker.js`), in which a viewer would meet nobody new. Does nothing to a
 * client that is built differently.
 * @param currentUrl where to connect again: the viewer's token may be another one by then
 */
export function reconnectSoon(
  client: object,
  random: () => number,
  currentUrl?: () => string,
): void {
  for (const tracker of trackersOf(client)) {
    tracker._startReconnectTimer = () => {
      tracker.reconnecting = true;
      if (tracker.reconnectTimer !== null) clearTimeout(tracker.reconnectTimer);
      tracker.reconnectTimer = setTimeout(
        () => {
          // The client forgets this timer when it is destroyed while it waits.
          if ('destroyed' in client && client.destroyed === true) return;
          tracker.retries += 1;
          // Nothing is open under the old one now: the client gave its socket back when it closed.
          if (currentUrl) tracker.announceUrl = currentUrl();
          tracker._openSocket();
        },
        reconnectDelayMs(tracker.retries, random),
      );
    };
  }
}

/**
 * Ends what the client's sockets do in browsers seven times a second: they look whether what was written
 * to them as to a stream has left, and the client writes nothing so.
 */
export function quietSockets(client: object): void {
  for (const { socket } of trackersOf(client)) {
    if (!socket?._interval) continue;
    clearInterval(socket._interval);
    socket._interval = null;
  }
}

function trackersOf(client: object): readonly ReconnectingTracker[] {
  const trackers: unknown = '_trackers' in client ? client._trackers : [];
  return Array.isArray(trackers) ? trackers.filter(isReconnecting) : [];
}

function isReconnecting(value: unknown): value is ReconnectingTracker {
  return (
    typeof value === 'object' &&
    value !== null &&
    '_startReconnectTimer' in value &&
    '_openSocket' in value &&
    typeof value._openSocket === 'function'
  );
}
