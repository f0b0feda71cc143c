// The plugin alone, for pages that bring their own hls.js: nothing here loads one. Published as
// `@shoal/player/plugin` and as the script `shoal-hls.js`; `index.ts` adds the element.

export type { CdnBaseUrl, ExchangeKind, PeerMode, ShoalConfig } from './config.ts';
export {
  createShoalHls,
  makeShoalHlsClass,
  type ShoalHls,
  type ShoalHlsClass,
  type ShoalHlsConfig,
} from './create-shoal-hls.ts';
export type { CdnAccess, RefreshCdnAccess, RefusedRequest } from './delivery/cdn/cdn-fetch.ts';
export type { GuardDecision, GuardLevel, GuardReason } from './guard/quality-guard.ts';
export type { UploadAllowance, UploadReason } from './manners/upload-rules.ts';
export type { PeerStatus, PeersOffReason } from './peer-status.ts';
export type { ShoalEvents, ShoalSession } from './session.ts';
export type { PlayerStats } from './stats.ts';
export type { RefreshToken } from './viewer-tokens.ts';
