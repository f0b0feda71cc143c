// Data channels to other viewers of a rendition: met through the tracker by bittorrent-tracker's
// client, counted and bounded here, messages handed up and down. Knows nothing of pieces.

import type { RingPosition } from '../scheduler/scheduler-actions.ts';
import { LinkMail } from './link-mail.ts';
import type {
  PeerConnection,
  PeerConnectionConfig,
  TrackerClient,
  TrackerClientClass,
} from './peer-connection.ts';
import { quietSockets, reconnectSoon } from './reconnection.ts';
import { RelayedLinks } from './relayed-links.ts';
import { ringOf } from './ring-answer.ts';

export interface PieceLinksListener {
  onLink(id: string): void;
  onLinkClosed(id: string): void;
  onMessage(id: string, data: Uint8Array<ArrayBuffer>): void;
  onSwarm(ring: RingPosition | null, viewerCount: number): void;
}

export interface PieceLinksOptions {
  readonly clientClass: TrackerClientClass;
  /** Where this viewer connects at this moment. */
  readonly trackerUrl: () => string;
  /** Names the swarm of this rendition, 20 bytes. */
  readonly infoHash: Uint8Array;
  /** 20 ASCII characters. */
  readonly viewerId: string;
  readonly connection: PeerConnectionConfig;
  /** Links that are kept; connections are offered while there are fewer than {@link enoughLinks}. */
  readonly maxLinks: number;
  /** Said to everybody on leaving, so that nobody goes on asking this viewer. */
  readonly goodbye: Uint8Array;
  /** Told of what arrives through TURN servers. */
  readonly onRelayed?: ((sizeBytes: number) => void) | undefined;
  readonly nowMs: () => number;
}

/** A client that outside a browser wants a port does not get one that anything listens on. */
const unusedPort = 6881;

/** With these a viewer hears of everything: it offers no more, and accepts what others offer. */
const enoughLinks = 10;
/** Each offer is a connection that a browser makes and keeps for most of a minute. */
const offersPerAnnounce = 5;

/** A goodbye leaves within this time; what waits before it on a slow line may cut it off. */
const goodbyeMs = 250;

/** After viewers have come or gone this one asks for its place again, without new offers. */
const refreshDelayMs = 700;

/**
 * After this viewer's line has turned out to be strong or not, it asks for its place once more: those
 * of others change as well when many have just come.
 */
const settleMs = 5_000;

/** More messages in a second than this come from no viewer of ours. */
const maxMessagesPerSecond = 2_000;
const floodBanMs = 600_000;

/** A swarm that has begun is kept down to this share of the viewers that it takes to begin. */
const gateHysteresis = 0.75;

/** What a peer may have said before the connection is known to be up. */
const maxEarlyMessages = 256;

/** Viewers that are remembered as banned. */
const maxBans = 1_024;

const encoder = new TextEncoder();

export class PieceLinks {
  readonly #options: PieceLinksOptions;
  readonly #listener: PieceLinksListener;
  readonly #client: TrackerClient;
  readonly #relayed: RelayedLinks;
  readonly #links = new Map<string, PeerConnection>();
  readonly #mail = new LinkMail((link) => this.#remove(idOf(link), link));
  /** Handed over by the client, which does not know them any more, and not connected yet. */
  readonly #connecting = new Set<PeerConnection>();
  readonly #bannedUntilMs = new Map<string, number>();
  #refreshTimer: ReturnType<typeof setTimeout> | null = null;
  #maxDialled: number;
  #maxAccepted: number;
  #isStrong = false;
  #settleTimer: ReturnType<typeof setTimeout> | null = null;
  /** The announce that is being made asks for viewers, not for a place on the ring alone. */
  #isMeeting = true;
  /** Its neighbours have given too little: it goes on looking for others. */
  #isInNeed = false;
  #minViewers = 0;
  /** Whether the tracker has said how many viewers there are; before, nobody is offered a connection. */
  #isAnswered = false;
  #viewerCount = 0;
  #isGated = false;
  #closed = false;

  constructor(options: PieceLinksOptions, listener: PieceLinksListener) {
    this.#options = options;
    this.#listener = listener;
    this.#maxDialled = options.maxLinks;
    this.#maxAccepted = options.maxLinks;
    this.#relayed = new RelayedLinks((sizeBytes) => options.onRelayed?.(sizeBytes));
    this.#client = new options.clientClass({
      infoHash: options.infoHash,
      peerId: encoder.encode(options.viewerId),
      announce: [options.trackerUrl()],
      port: unusedPort,
      rtcConfig: options.connection,
      getAnnounceOpts: () => ({ numwant: this.#wantedOffers(), shoal: this.#situation() }),
    });
    reconnectSoon(this.#client, Math.random, options.trackerUrl);
    this.#client.on('peer', (peer) => this.#admit(peer));
    this.#client.on('update', (answer) => {
      quietSockets(this.#client);
      const swarm = ringOf(answer);
      if (!swarm) return;
      const isFirst = !this.#isAnswered;
      this.#isAnswered = true;
      this.#gate(swarm.viewerCount);
      listener.onSwarm(swarm.ring, swarm.viewerCount);
      if (isFirst && this.#wantedOffers() > 0) this.#client.update();
    });
    // A tracker that is away is no fault of playback: the client reconnects by itself.
    this.#client.on('warning', () => {});
    this.#client.on('error', () => {});
    this.#client.start();
  }

  get size(): number {
    return this.#links.size;
  }

  /** No links in swarms of fewer viewers; at 0 and 1 there is no such gate. */
  setMinViewers(minViewers: number): void {
    if (this.#minViewers === minViewers) return;
    this.#minViewers = minViewers;
    this.#gate(this.#viewerCount);
  }

  /** Sent with all else that there is for this viewer when the task of the page ends; `false` without a link. */
  send(id: string, message: Uint8Array, body?: Uint8Array): boolean {
    const link = this.#links.get(id);
    if (!link || link.destroyed) return false;
    this.#mail.put(link, message, body);
    return true;
  }

  /** Bytes that wait to leave, on all links together: they share one uplink. */
  get bufferedBytes(): number {
    let sizeBytes = this.#mail.waitingBytes;
    for (const link of this.#links.values()) sizeBytes += link.bufferSize;
    return sizeBytes;
  }

  /** Asks the tracker for more viewers than most need. */
  meet(): void {
    this.#maxDialled = Math.round(1.5 * this.#options.maxLinks);
    this.#isInNeed = true;
    this.#client.update();
  }

  /** A viewer with a fast line accepts more than it dials: it can feed them. */
  acceptMore(isStrong: boolean): void {
    if (this.#isStrong === isStrong) return;
    this.#isStrong = isStrong;
    this.#maxAccepted = isStrong ? 2.5 * this.#options.maxLinks : this.#options.maxLinks;
    // A line about as fast as that would else announce without end.
    if (this.#closed || this.#settleTimer !== null) return;
    this.#refreshSoon();
    this.#settleTimer = setTimeout(() => {
      this.#settleTimer = null;
      this.#refreshSoon();
    }, settleMs);
  }

  drop(id: string, banMs: number): void {
    // Ids cost nothing: the oldest bans make room for new ones.
    const [oldest] = this.#bannedUntilMs.keys();
    if (this.#bannedUntilMs.size >= maxBans && oldest !== undefined)
      this.#bannedUntilMs.delete(oldest);
    this.#bannedUntilMs.set(id, this.#options.nowMs() + banMs);
    const link = this.#links.get(id);
    if (!link) return;
    this.#mail.send(link);
    this.#remove(id, link);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#refreshTimer !== null) clearTimeout(this.#refreshTimer);
    if (this.#settleTimer !== null) clearTimeout(this.#settleTimer);
    for (const id of [...this.#links.keys()]) this.send(id, this.#options.goodbye);
    for (const peer of this.#connecting) peer.destroy();
    const links = [...this.#links.values()];
    for (const link of links) this.#mail.send(link);
    this.#links.clear();
    // What closes a connection at once also drops what was just handed to it.
    setTimeout(() => {
      for (const link of links) link.destroy();
    }, goodbyeMs);
    this.#client.destroy();
  }

  /** What the tracker should know of this viewer: its place on the ring, and whom it meets. */
  #situation(): object {
    return {
      isStrong: this.#isStrong,
      hasRoom: this.#isStrong && this.#links.size < this.#maxAccepted,
      isInNeed: this.#isInNeed,
    };
  }

  /** As many connections as are missing. */
  #wantedOffers(): number {
    if (this.#isGated || !this.#isMeeting || !this.#isAnswered) return 0;
    const others = this.#viewerCount === 0 ? enoughLinks : this.#viewerCount - 1;
    const wanted = Math.min(others, this.#isInNeed ? this.#maxDialled : enoughLinks);
    const linked = this.#links.size;
    const missing = wanted - linked;
    if (missing <= 0) return 0;
    // One may reach somebody who is known already.
    return Math.min(offersPerAnnounce, linked === 0 ? missing : missing + 1);
  }

  #admit(peer: PeerConnection): void {
    const id = idOf(peer);
    const isBanned = (this.#bannedUntilMs.get(id) ?? 0) > this.#options.nowMs();
    peer.on('error', () => this.#remove(id, peer));
    const maxLinks = peer.initiator ? this.#maxDialled : this.#maxAccepted;
    const isRefused = this.#closed || this.#isGated || isBanned || id === '';
    if (isRefused || this.#links.size >= maxLinks) {
      peer.destroy();
      return;
    }
    this.#connecting.add(peer);
    peer.on('close', () => this.#remove(id, peer));
    // The other side may be connected, and talk, a moment before this one knows that it is.
    const early: Uint8Array<ArrayBuffer>[] = [];
    const rate = { second: 0, messages: 0 };
    peer.on('data', (data) => {
      this.#relayed.received(peer, data.byteLength);
      if (this.#isFlooding(rate)) this.drop(id, floodBanMs);
      else if (this.#links.get(id) === peer) this.#listener.onMessage(id, data);
      else if (early.length < maxEarlyMessages) early.push(data);
    });
    peer.on('connect', () => {
      this.#connected(id, peer);
      for (const data of early.splice(0)) {
        if (this.#links.get(id) === peer) this.#listener.onMessage(id, data);
      }
    });
  }

  /** Opens at the least number of viewers, and shuts when a quarter of them has left again. */
  #gate(viewerCount: number): void {
    this.#viewerCount = viewerCount;
    const least = this.#isGated ? this.#minViewers : this.#minViewers * gateHysteresis;
    const isGated = this.#minViewers > 1 && viewerCount < least;
    if (isGated === this.#isGated) return;
    this.#isGated = isGated;
    if (!isGated) this.#client.update();
    else for (const [id, link] of [...this.#links]) this.#remove(id, link);
  }

  #isFlooding(rate: { second: number; messages: number }): boolean {
    const second = Math.floor(this.#options.nowMs() / 1_000);
    if (rate.second !== second) {
      rate.second = second;
      rate.messages = 0;
    }
    rate.messages += 1;
    return rate.messages > maxMessagesPerSecond;
  }

  #connected(id: string, peer: PeerConnection): void {
    this.#connecting.delete(peer);
    const known = this.#links.get(id);
    if (this.#closed || (known && !known.destroyed && !this.#isBetter(id, peer, known))) {
      peer.destroy();
      return;
    }
    if (known) this.#remove(id, known);
    this.#links.set(id, peer);
    this.#relayed.connected(peer);
    this.#refreshSoon();
    this.#listener.onLink(id);
  }

  /** The gap on the ring changes with the neighbours: an old one means fetching twice. */
  #refreshSoon(): void {
    if (this.#closed) return;
    this.#refreshTimer ??= setTimeout(() => {
      this.#refreshTimer = null;
      this.#isMeeting = false;
      this.#client.update();
      this.#isMeeting = true;
    }, refreshDelayMs);
  }

  /** When both sides have dialled, both keep the connection of the one with the lower id. */
  #isBetter(id: string, peer: PeerConnection, known: PeerConnection): boolean {
    if (peer.initiator === known.initiator) return false;
    return peer.initiator === this.#options.viewerId < id;
  }

  #remove(id: string, peer: PeerConnection): void {
    this.#connecting.delete(peer);
    if (!peer.destroyed) peer.destroy();
    if (this.#links.get(id) !== peer) return;
    this.#links.delete(id);
    this.#refreshSoon();
    if (!this.#closed) this.#listener.onLinkClosed(id);
  }
}

/** bittorrent-tracker names peers by the hexadecimal form of their ids; empty when it has none. */
function idOf({ id: hex = '' }: PeerConnection): string {
  let text = '';
  for (let index = 0; index + 1 < hex.length; index += 2) {
    text += String.fromCharCode(Number.parseInt(hex.slice(index, index + 2), 16));
  }
  return text;
}
