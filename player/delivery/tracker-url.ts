// The tracker's address as the WebSocket client wants it. Operators write http(s) or ws(s); the
// viewer token travels in the query, since browsers cannot set headers on a WebSocket.

/** The `ws:` or `wss:` URL of `tracker`, `null` when it is not a URL of these schemes. */
export function trackerSocketUrl(tracker: string, token: string | undefined): string | null {
  if (!URL.canParse(tracker)) return null;
  const url = new URL(tracker);
  if (url.protocol === 'http:') url.protocol = 'ws:';
  if (url.protocol === 'https:') url.protocol = 'wss:';
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') return null;
  if (token !== undefined && token !== '') url.searchParams.set('token', token);
  return url.href;
}

/** The `http:` or `https:` origin of the tracker, for its HTTP API. */
export function trackerHttpUrl(tracker: string): string | null {
  const socketUrl = trackerSocketUrl(tracker, undefined);
  if (socketUrl === null) return null;
  const url = new URL(socketUrl);
  url.protocol = url.protocol === 'wss:' ? 'https:' : 'http:';
  return url.href.replace(/\/+$/, '');
}
