// Which layer of a simulcast a packet belongs to (RFC 8852, RFC 8853): senders name the layer in a
// header extension of the first packets of each SSRC. The receiver asks for every video packet.

import { headerExtension, type RtpPacket } from './rtp-packet.ts';

/** What was negotiated for a picture that comes in several sizes at once. */
export interface SimulcastDescription {
  /** `a=rid` identifiers, in the order of the offer. */
  readonly rids: readonly string[];
  /** Header extension with the rid of a media packet. */
  readonly streamIdExtensionId: number;
  /** Header extension with the rid that a retransmission is for; `null` when not negotiated. */
  readonly repairedStreamIdExtensionId: number | null;
}

/** A sender needs two SSRCs for each layer; more come from restarts, or from somebody who guesses. */
const maxKnownSsrcs = 64;

export class SimulcastLayers {
  readonly #description: SimulcastDescription;
  readonly #layers = new Map<number, number>();

  constructor(description: SimulcastDescription) {
    this.#description = description;
  }

  /** Index of the layer, `null` while it is not known. */
  layerOf(packet: RtpPacket): number | null {
    const known = this.#layers.get(packet.ssrc);
    if (known !== undefined) return known;
    const { rids, streamIdExtensionId, repairedStreamIdExtensionId } = this.#description;
    for (const id of [streamIdExtensionId, repairedStreamIdExtensionId]) {
      const value = id === null ? null : headerExtension(packet, id);
      const layer = value === null ? -1 : rids.indexOf(new TextDecoder().decode(value));
      if (layer < 0) continue;
      if (this.#layers.size < maxKnownSsrcs) this.#layers.set(packet.ssrc, layer);
      return layer;
    }
    return null;
  }
}
