// How a viewer takes part in its swarms, apart from whether: changed while it plays, by the page, the
// operator, the quality guard and the condition of the device. Handed down to every rendition.

export interface PeerSettings {
  readonly canUpload: boolean;
  /** Most bits per second over all renditions; `null` is as much as the line takes. */
  readonly uploadLimitBps: number | null;
  /** Peers have been late: the CDN is asked earlier. */
  readonly isCareful: boolean;
  /** No links in a swarm of fewer viewers than this. */
  readonly minViewers: number;
}

export const defaultPeerSettings: PeerSettings = {
  canUpload: true,
  uploadLimitBps: null,
  isCareful: false,
  minViewers: 0,
};

export function areEqualSettings(a: PeerSettings, b: PeerSettings): boolean {
  return (
    a.canUpload === b.canUpload &&
    a.uploadLimitBps === b.uploadLimitBps &&
    a.isCareful === b.isCareful &&
    a.minViewers === b.minViewers
  );
}
