// What the tracker and its clients agree on: swarm names, beacons in, savings out.
// Pure and isomorphic; the player imports nothing else of the tracker.

export { type DeliveryBeacon, maxBeaconSizeBytes, minBeaconIntervalMs } from './delivery-beacon.ts';
export type { HealthSummary, IngestHealth, TrackerHealth } from './health-summary.ts';
export { type AdvertisedIceServer, iceServersPath, parseIceServers } from './ice-servers.ts';
export { offloadRatio } from './offload-ratio.ts';
export {
  maxReportedPeers,
  type PeerTraffic,
  shortPeerId,
  shortPeerIdPattern,
} from './peer-traffic.ts';
export {
  defaultPlayerConfig,
  type PlayerConfig,
  parsePlayerConfig,
  playerConfigVersionHeader,
} from './player-config.ts';
export type { RegionSavings, RegionSavingsList } from './region-savings.ts';
export type {
  CdnMeasurement,
  PeriodBytes,
  QualityFigures,
  SavingsPeriods,
  SavingsPoint,
  SavingsSummary,
  StreamSavings,
  StreamSavingsList,
} from './savings-summary.ts';
export { streamNameOf } from './stream-name.ts';
export { type SwarmId, swarmIdOfPlaylist } from './swarm-id.ts';
export { swarmKeyClaim, swarmKeyOfToken } from './swarm-key.ts';
export {
  maxPicturedViewers,
  type PicturedLink,
  type PicturedViewer,
  pictureSeconds,
  type SwarmPicture,
} from './swarm-picture.ts';
export { type SwarmSocket, swarmOfPath, swarmSocketUrl } from './swarm-socket.ts';
