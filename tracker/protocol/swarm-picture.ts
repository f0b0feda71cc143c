// The answer of GET /api/v1/swarm: who feeds whom in one stream at this moment. Made from what
// viewers report about their neighbours; the dashboard draws it.

export interface PicturedViewer {
  /** The end of a random id that lasts for one page view. */
  readonly id: string;
  readonly rendition: string | null;
  /** Media that reached its player, by source. */
  readonly cdnBitrateBps: number;
  readonly peerBitrateBps: number;
  /** Media that it sent to its neighbours. */
  readonly uploadBitrateBps: number;
  readonly peerCount: number;
}

export interface PicturedLink {
  /** Ids of {@link PicturedViewer}s. */
  readonly from: string;
  readonly to: string;
  readonly bitrateBps: number;
}

export interface SwarmPicture {
  readonly stream: string;
  /** Viewers of the stream who have reported to this tracker within {@link pictureSeconds}. */
  readonly viewerCount: number;
  /** At most {@link maxPicturedViewers}: those who exchange most; all when they are fewer. */
  readonly viewers: readonly PicturedViewer[];
  /** Strongest first. */
  readonly links: readonly PicturedLink[];
}

export const pictureSeconds = 30;
export const maxPicturedViewers = 60;
