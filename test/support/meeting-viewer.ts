// A viewer as far as meeting others goes: the player's own links over the real tracker client and
// real WebRTC, without media. For tests of trackers behind a proxy.

import { loadTrackerClientClass } from '@shoal/player/delivery';
// Mends WebRTC in Node: without it every meeting takes ten seconds, and some fail.
import '../../infra/demo/node-webrtc.ts';
import type { TrackerClientClass } from '../../player/delivery/pieces/peer-connection.ts';
import { PieceLinks } from '../../player/delivery/pieces/piece-links.ts';
import { encodeBye } from '../../player/delivery/pieces/piece-messages.ts';
import { swarmAddressOf } from '../../player/delivery/swarm-address.ts';
import { makeViewerId } from '../../player/delivery/viewer-id.ts';

export interface MeetingSwarm {
  readonly name: string;
  readonly stream: string;
}

export class MeetingViewer {
  readonly viewerId = makeViewerId();
  /** Where it connects, path and all. */
  readonly socketUrl: string;
  /** Ids of everybody it is or was linked with. */
  readonly met = new Set<string>();
  /** What the tracker's last answer says. */
  viewerCount = 0;
  ringPosition: number | null = null;
  readonly #links: PieceLinks;

  private constructor(trackerUrl: string, swarm: MeetingSwarm, clientClass: TrackerClientClass) {
    const address = swarmAddressOf(trackerUrl, { ...swarm, viewerId: this.viewerId });
    this.socketUrl = address.socketUrl;
    this.#links = new PieceLinks(
      {
        clientClass,
        trackerUrl: () => address.socketUrl,
        infoHash: address.infoHash,
        viewerId: this.viewerId,
        connection: { iceServers: [], iceTransportPolicy: 'all' },
        maxLinks: 16,
        goodbye: encodeBye(),
        nowMs: () => performance.now(),
      },
      {
        onLink: (id) => this.met.add(id),
        onLinkClosed: () => {},
        onMessage: () => {},
        onSwarm: (ring, viewerCount) => {
          this.viewerCount = viewerCount;
          this.ringPosition = ring?.position ?? null;
        },
      },
    );
  }

  static async join(trackerUrl: string, swarm: MeetingSwarm): Promise<MeetingViewer> {
    return new MeetingViewer(trackerUrl, swarm, await loadTrackerClientClass());
  }

  /** Links that are up now. */
  get linkCount(): number {
    return this.#links.size;
  }

  close(): void {
    this.#links.close();
  }
}
