// A whole resource from the CDN, held against its digest: a cache on the way may have a truncated or
// mixed-up copy. Between cdn-fetcher and those who need a whole: hybrid-delivery, rendition-delivery.

import { CdnError, type CdnFetcher, type CdnResponse } from './cdn-fetcher.ts';
import type { DeliveryEvents } from './delivery-events.ts';
import { sha256Hex } from './digest.ts';

/**
 * The resource; what does not match is discarded and asked for once more, past the caches.
 * @param digest SHA-256 in hex; `null` takes what comes
 * @throws CdnError when the CDN does not deliver, or something else twice
 */
export async function fetchVerified(
  cdn: CdnFetcher,
  events: Pick<DeliveryEvents, 'onDiscarded'>,
  url: string,
  digest: string | null,
  signal: AbortSignal,
  init: RequestInit = {},
): Promise<CdnResponse> {
  const response = await cdn.fetch(url, signal, init);
  if (digest === null || (await sha256Hex(response.bytes)) === digest) return response;
  events.onDiscarded(response.bytes.byteLength);
  const again = await cdn.fetch(url, signal, { ...init, cache: 'reload' });
  if ((await sha256Hex(again.bytes)) === digest) return again;
  throw new CdnError(0, `${url} does not match its digest`, again.bytes.byteLength);
}
