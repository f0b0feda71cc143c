// One receive-only WebRTC connection over libdatachannel: decrypted RTP and RTCP in and out. The
// session decides what to do with it; this file alone knows node-datachannel and its traps.

import { PeerConnection, type Track } from 'node-datachannel';
import type { PortRange } from '../environment.ts';

/** libdatachannel's connection states, as far as they differ for a publisher. */
export type ConnectionState = 'connecting' | 'connected' | 'interrupted' | 'closed';

export interface MediaConnectionOptions {
  readonly name: string;
  /** Address to bind to; all interfaces when absent. */
  readonly bindAddress?: string | undefined;
  readonly udpPorts?: PortRange | undefined;
  /** In libdatachannel's form, with credentials in the URL. */
  readonly iceServerUrls: readonly string[];
  readonly onPacket: (datagram: Uint8Array) => void;
  readonly onState: (state: ConnectionState) => void;
}

/** RFC 9725 §4.3: the answer carries all candidates; a slow STUN server must not hold it up. */
const maxGatheringMs = 2_000;

export class MediaConnection {
  readonly #connection: PeerConnection;
  /** Kept here: a track that JavaScript forgets is collected and falls silent. */
  readonly #tracks: Track[] = [];
  #closed = false;
  #failedSends = 0;
  #droppedCandidates = 0;

  constructor(options: MediaConnectionOptions) {
    this.#connection = new PeerConnection(options.name, {
      iceServers: [...options.iceServerUrls],
      disableAutoNegotiation: true,
      ...(options.bindAddress === undefined ? {} : { bindAddress: options.bindAddress }),
      ...(options.udpPorts === undefined
        ? {}
        : {
            portRangeBegin: options.udpPorts.firstPort,
            portRangeEnd: options.udpPorts.lastPort,
          }),
    });
    this.#connection.onTrack((track) => {
      this.#tracks.push(track);
      // No RtcpReceivingSession: with it attached our PLI never reached Chromium and the
      // sender reports of video vanished.
      track.onMessage((datagram) => {
        if (!this.#closed) options.onPacket(datagram);
      });
    });
    this.#connection.onStateChange((state) => {
      if (!this.#closed) options.onState(stateOf(state));
    });
  }

  /** Feedback that could not be sent, because the transport was closing. */
  get failedSends(): number {
    return this.#failedSends;
  }

  /** Trickled candidates that libdatachannel could not read. */
  get droppedCandidates(): number {
    return this.#droppedCandidates;
  }

  /**
   * Takes the filtered offer and gives the answer with the candidates gathered so far.
   * @throws what libdatachannel throws when it cannot read the offer
   */
  async answer(offerSdp: string): Promise<string> {
    const gathered = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, maxGatheringMs);
      this.#connection.onGatheringStateChange((state) => {
        if (state !== 'complete') return;
        clearTimeout(timer);
        resolve();
      });
    });
    this.#connection.setRemoteDescription(offerSdp, 'offer');
    this.#connection.setLocalDescription('answer');
    await gathered;
    const description = this.#connection.localDescription();
    if (description === null) throw new Error('libdatachannel made no answer');
    return description.sdp;
  }

  /** A candidate that came after the offer; one that libdatachannel cannot read is dropped. */
  addRemoteCandidate(candidate: string, mid: string): void {
    if (this.#closed) return;
    try {
      this.#connection.addRemoteCandidate(candidate, mid);
    } catch {
      // RFC 9725 §4.3.2: silently; the publisher reaches our candidates all the same.
      this.#droppedCandidates += 1;
    }
  }

  /** Sends RTCP; counted and dropped while the transport is not open. */
  send(datagram: Uint8Array): void {
    // Any open track will do: they share one transport.
    const track = this.#tracks.find((candidate) => candidate.isOpen());
    if (this.#closed || track === undefined) {
      this.#failedSends += 1;
      return;
    }
    try {
      track.sendMessageBinary(Buffer.from(datagram));
    } catch {
      // It closed between the question and the call, on libdatachannel's own thread.
      this.#failedSends += 1;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const track of this.#tracks) track.close();
    this.#connection.close();
    this.#tracks.length = 0;
  }
}

function stateOf(state: string): ConnectionState {
  if (state === 'connected') return 'connected';
  if (state === 'disconnected') return 'interrupted';
  return state === 'failed' || state === 'closed' ? 'closed' : 'connecting';
}
