// What lies between a viewer of the swarm benchmark and its peers: a longer way, an end without a
// goodbye, or a viewer that cheats. Wraps the tracker client of a headless viewer.

import type { PeerConnection, TrackerClientClass } from '@shoal/player/delivery';
import { codeOf, messageSizeOf } from '../../player/delivery/pieces/piece-messages.ts';

export interface LinkConditions {
  /** Added to every message this viewer sends: half of what the round trip grows by. */
  readonly delayMs: number;
  /**
   * Liars say that they have every piece and send none; free riders neither tell what they have nor
   * send it. (Poisoners need no wrapper: they serve other bytes.)
   */
  readonly cheat: 'liar' | 'freeRider' | null;
  /** Links end this much later than the viewer, and nobody is told before. */
  readonly silentEndMs: number;
  readonly onMessage: () => void;
}

/** Codes and offsets of piece-messages.ts. */
const haveCode = 2;
const pieceCode = 5;
const goodbyeCode = 7;
const bitsOffset = 10;

/** The client's class, with all its links under `conditions`. */
export function withConditions(
  clientClass: TrackerClientClass,
  conditions: LinkConditions,
): TrackerClientClass {
  return class extends clientClass {
    constructor(...parameters: ConstructorParameters<TrackerClientClass>) {
      super(...parameters);
      this.on('peer', (peer) => applyTo(peer, conditions));
      if (conditions.silentEndMs > 0) endLate(this, conditions.silentEndMs);
    }
  };
}

function applyTo(peer: PeerConnection, conditions: LinkConditions): void {
  const { delayMs, cheat, silentEndMs, onMessage } = conditions;
  const send = peer.send.bind(peer);
  peer.send = (data) => {
    const changed = cheat === null ? data : changedBy(cheat, data);
    if (changed === null || (silentEndMs > 0 && codeOf(data) === goodbyeCode)) return;
    onMessage();
    if (delayMs === 0) send(changed);
    else setTimeout(() => sendIfOpen(peer, send, changed), delayMs);
  };
  if (silentEndMs > 0) endLate(peer, silentEndMs);
}

/** What a cheat sends instead of messages that go as one, `null` for nothing. */
function changedBy(cheat: 'liar' | 'freeRider', data: Uint8Array): Uint8Array | null {
  const kept: Uint8Array[] = [];
  for (let offset = 0; offset < data.length; ) {
    const rest = data.subarray(offset);
    const message = rest.slice(0, messageSizeOf(rest));
    offset += message.length;
    if (codeOf(message) === pieceCode) continue;
    if (codeOf(message) === haveCode) message.fill(cheat === 'liar' ? 0xff : 0, bitsOffset);
    kept.push(message);
  }
  return kept.length === 0 ? null : Buffer.concat(kept);
}

function sendIfOpen(
  peer: PeerConnection,
  send: (data: Uint8Array) => void,
  data: Uint8Array,
): void {
  // The link may have gone on the way; its owner hears of that by itself.
  if (peer.destroyed) return;
  try {
    send(data);
  } catch {
    peer.destroy();
  }
}

function endLate(target: { destroy(): void }, delayMs: number): void {
  const destroy = target.destroy.bind(target);
  target.destroy = () => {
    setTimeout(destroy, delayMs);
  };
}
