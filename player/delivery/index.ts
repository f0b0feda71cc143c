// The delivery engine, for the hls.js session in the browser and for headless viewers in Node.
// Nothing here needs a media element or hls.js itself.

export {
  type CdnAccess,
  CdnFetch,
  type FetchUrl,
  type RefreshCdnAccess,
  type RefusedRequest,
} from './cdn/cdn-fetch.ts';
export type { CdnBase } from './cdn/cdn-routes.ts';
export { CdnError } from './cdn-fetcher.ts';
export type { DeliveredSegment, DeliveryEvents, DeliverySource } from './delivery-events.ts';
export { exchangeOnCore } from './exchange/exchange-on-core.ts';
export type { CoreModule, P2pMediaLoaderModule } from './exchange/p2p-media-loader-exchange.ts';
export { questionUrl, streamBeyond } from './hls/playlist-end.ts';
export { HybridDelivery, type HybridDeliveryOptions } from './hybrid-delivery.ts';
export {
  endSeconds,
  type MediaSegment,
  type MediaTrack,
  type RenditionAttributes,
  type RenditionPlaylist,
  renditionName,
  withoutQuery,
} from './media-segment.ts';
export type { ExchangeKind } from './open-source.ts';
export type { PeerSettings } from './peer-settings.ts';
export type { PeerConnection, TrackerClientClass } from './pieces/peer-connection.ts';
export { loadTrackerClientClass } from './pieces/tracker-client.ts';
export type { FetchReason } from './scheduler/scheduler-actions.ts';
export { SegmentStore } from './segment-store.ts';
export { trackerHttpUrl, trackerSocketUrl } from './tracker-url.ts';
export { SignatureCheck } from './verification/signature-check.ts';
export { makeViewerId, randomCharacters } from './viewer-id.ts';
