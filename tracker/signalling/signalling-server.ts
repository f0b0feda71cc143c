// The WebTorrent announce protocol on any WebSocket path of the tracker's HTTP server. It admits
// sockets, bittorrent-tracker's server speaks the protocol, and the swarm directory knows who is where.

import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { parseStreamId, type StreamId } from '@shoal/ingest/protocol';
import BittorrentServer, { type RawWebSocket } from 'bittorrent-tracker/server';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { swarmOfPath } from '../protocol/index.ts';
import { AddressBook, type AddressLimits } from './address-book.ts';
import { addressKeyOf } from './address-key.ts';
import { maxMessageSizeBytes, type SignallingMessage } from './announce-schema.ts';
import { SignallingMetrics } from './signalling-metrics.ts';
import type { SplitLimits } from './split-swarm.ts';
import { SwarmDirectory } from './swarm-directory.ts';
import type { Rate } from './token-bucket.ts';
import { ViewerSocket } from './viewer-socket.ts';

/** What a token allows its socket. */
export interface SocketPermission {
  /** Under which the token can be revoked, `null` for one without a name. */
  readonly tokenId: string | null;
  /** The one stream it is good for, `null` for all. */
  readonly stream: string | null;
  /** The address key it is bound to, `null` for none. */
  readonly address: string | null;
  /** How many sockets may use this token at once, `null` for no limit. */
  readonly uses: { readonly tokenId: string; readonly maxSockets: number } | null;
}

/** What an address or a token may hold on all trackers together. */
export interface SocketCount {
  readonly kind: 'address' | 'token';
  readonly name: string;
  readonly limit: number;
}

export interface SocketCounter {
  /** A lease, or which of the counts is full; `null` when nobody can say. */
  take(counts: readonly SocketCount[]): Promise<{ release(): void } | SocketCount | null>;
}

export interface SignallingOptions extends Omit<SplitLimits, 'onInterval'>, AddressLimits {
  readonly httpServer: HttpServer;
  readonly logger: Logger;
  readonly registry: Registry;
  /** A socket that does not answer for one to two of these is dead. */
  readonly heartbeatIntervalMs: number;
  readonly maxSockets: number;
  /** Messages of one socket. */
  readonly messageRate: Rate;
  /** Longest time over which viewers are sent away when the tracker stops. */
  readonly drainMs: number;
  /** Takes the client's address from the last entry of X-Forwarded-For. */
  readonly trustProxy: boolean;
  /** Asked once per socket for the `token` in its URL; `null`: everybody may join. */
  readonly verifyToken: ((token: string) => Promise<SocketPermission | null>) | null;
  /**
   * Whether there is such a stream, `null` while nobody has said; without it, sockets need not name
   * one and may open any swarm.
   */
  readonly knowsStream: ((stream: StreamId) => boolean | null) | null;
  /** Neighbourhoods wider than a network, the nearer ones first; none without a geo database. */
  readonly regionKeysOf: (addressKey: string) => readonly string[];
  /** Counts sockets on all trackers together; `null`: this one is alone. */
  readonly sharedSockets: SocketCounter | null;
  /** Swarms that one stream may have where sockets name theirs. */
  readonly maxSwarmsPerStream: number;
}

/** A request for a WebSocket. */
interface Visit {
  readonly socket: Duplex;
  readonly addressKey: string;
  readonly path: string;
  /** The stream that its query names. */
  readonly named: string | null;
}

type RefusalReason = 'full' | 'address' | 'token' | 'replay' | 'stream' | 'swarm';

const everything: SocketPermission = { tokenId: null, stream: null, address: null, uses: null };

/** bittorrent-tracker divides its interval by this for WebSocket clients (`_onWebSocketRequest`). */
const libraryIntervalFactor = 5;

/** How long clients have to answer the closing handshake before their sockets are cut. */
const drainTimeoutMs = 1_000;
/** Sockets sent away at once when the tracker stops, and the pause before the next ones. */
const drainBatchSize = 50;
const drainPauseMs = 100;

export class SignallingServer {
  readonly #options: SignallingOptions;
  readonly #protocol: BittorrentServer;
  readonly #directory: SwarmDirectory;
  readonly #metrics: SignallingMetrics;
  readonly #sockets = new Set<ViewerSocket>();
  readonly #addresses: AddressBook;
  readonly #socketsByToken = new Map<string, number>();
  readonly #holders = new Map<string, Set<ViewerSocket>>();
  /** Whose message is handled now: the library does not say so when it looks a swarm up. */
  #scope = '';
  readonly #heartbeat: NodeJS.Timeout;
  readonly #onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  #refusedCount = 0;
  #closing: Promise<void> | null = null;

  constructor(options: SignallingOptions) {
    this.#options = options;
    this.#addresses = new AddressBook(options);
    this.#directory = new SwarmDirectory({
      ...options,
      // The library answers with its own interval, right after the swarm was asked.
      onInterval: (seconds) => {
        this.#protocol.intervalMs = seconds * libraryIntervalFactor * 1_000;
      },
    });
    this.#metrics = new SignallingMetrics(options.registry, {
      socketCount: () => this.#sockets.size,
      swarmCount: () => this.#directory.swarmCount,
    });
    this.#protocol = this.#createProtocol();
    this.#onUpgrade = (request, socket, head) => this.#admit(request, socket, head);
    options.httpServer.on('upgrade', this.#onUpgrade);
    this.#heartbeat = setInterval(() => {
      for (const socket of this.#sockets) socket.checkAlive();
    }, options.heartbeatIntervalMs);
  }

  get socketCount(): number {
    return this.#sockets.size;
  }

  get swarmCount(): number {
    return this.#directory.swarmCount;
  }

  /** Sockets refused since the start. */
  get refusedCount(): number {
    return this.#refusedCount;
  }

  /** Ends all sockets that were opened with this token. */
  endToken(tokenId: string): void {
    for (const socket of this.#holders.get(tokenId) ?? []) {
      this.#metrics.cutSockets.inc({ reason: 'revoked' });
      socket.refuse('the token was revoked');
    }
  }

  /** Whether viewers are being sent away. */
  get isClosing(): boolean {
    return this.#closing !== null;
  }

  /** Refuses new sockets, sends the others away over a while, cuts those that stay. Idempotent. */
  close(reason: string): Promise<void> {
    this.#closing ??= this.#close(reason);
    return this.#closing;
  }

  #createProtocol(): BittorrentServer {
    const server = new BittorrentServer({
      interval: this.#options.announceIntervalSeconds * libraryIntervalFactor * 1_000,
      http: false,
      udp: false,
      stats: false,
      ws: { noServer: true, maxPayload: maxMessageSizeBytes },
    });
    server.getSwarm = (infoHash, done) => done(null, this.#directory.find(this.#scope, infoHash));
    server.createSwarm = (infoHash, done) =>
      done(null, this.#directory.open(this.#scope, infoHash));
    server.on('warning', (error: Error) => {
      this.#metrics.warnings.inc();
      this.#options.logger.debug({ problem: error.message }, 'a client was refused');
    });
    for (const event of ['start', 'update', 'complete', 'stop', 'pause']) {
      server.on(event, () => this.#metrics.announces.inc({ event }));
    }
    return server;
  }

  #admit(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const addressKey = addressKeyOf(request, this.#options.trustProxy);
    if (!this.#hasRoom(socket, addressKey)) return;
    // Not through URL, which throws for some of what a stranger may send as request target.
    const [path = '', search = ''] = (request.url ?? '').split('?');
    const query = new URLSearchParams(search);
    const visit = { socket, addressKey, path, named: query.get('stream') };
    const { verifyToken } = this.#options;
    if (verifyToken === null) {
      this.#enter(request, head, visit, everything);
      return;
    }
    verifyToken(query.get('token') ?? '').then(
      (permission) => {
        if (permission === null) {
          this.#refuse(socket, '401 Unauthorized', 'token');
          return;
        }
        // Others may have come while the token was checked.
        if (!this.#hasRoom(socket, addressKey) || !this.#fits(socket, addressKey, permission))
          return;
        this.#enter(request, head, visit, permission);
      },
      (error: unknown) => {
        this.#options.logger.error({ err: error }, 'a viewer token could not be checked');
        socket.destroy();
      },
    );
  }

  /** Whether one more socket fits; refuses it if not. */
  #hasRoom(socket: Duplex, addressKey: string): boolean {
    if (this.#closing !== null || this.#sockets.size >= this.#options.maxSockets) {
      this.#refuse(socket, '503 Service Unavailable', 'full');
      return false;
    }
    if (!this.#addresses.hasRoom(addressKey)) {
      this.#refuse(socket, '429 Too Many Requests', 'address');
      return false;
    }
    return true;
  }

  /** The last checks, which need no more than the permission, then the upgrade. */
  #enter(request: IncomingMessage, head: Buffer, visit: Visit, permission: SocketPermission): void {
    const scope = this.#scopeOf(visit, permission);
    if (scope === null) return;
    const scoped = { ...permission, stream: scope };
    const { sharedSockets } = this.#options;
    if (sharedSockets === null) {
      this.#upgrade(request, head, visit, scoped);
      return;
    }
    void this.#lease(sharedSockets, visit, permission).then((isAllowed) => {
      // Others may have come meanwhile.
      if (isAllowed && this.#hasRoom(visit.socket, visit.addressKey)) {
        this.#upgrade(request, head, visit, scoped);
      }
    });
  }

  /** Whether the socket fits into what all trackers together allow; refuses it if not. */
  async #lease(
    counter: SocketCounter,
    { socket, addressKey }: Visit,
    { uses }: SocketPermission,
  ): Promise<boolean> {
    const counts: SocketCount[] = [
      { kind: 'address', name: addressKey, limit: this.#options.maxSocketsPerAddress },
    ];
    if (uses !== null) {
      counts.push({ kind: 'token', name: uses.tokenId, limit: uses.maxSockets });
    }
    const lease = await counter.take(counts);
    if (lease === null) return true;
    if ('kind' in lease) {
      const isAddress = lease.kind === 'address';
      this.#refuse(
        socket,
        isAddress ? '429 Too Many Requests' : '401 Unauthorized',
        isAddress ? 'address' : 'replay',
      );
      return false;
    }
    // The end of the TCP connection is the end of the WebSocket, whichever way it comes.
    if (socket.destroyed) lease.release();
    else socket.once('close', () => lease.release());
    return !socket.destroyed;
  }

  /**
   * Which swarms the socket may see: those of its stream, or with the empty text those that are
   * nobody's in particular. Refuses the socket, with `null`, when there is no such stream or its
   * swarm has no more room here.
   */
  #scopeOf(visit: Visit, { stream }: SocketPermission): string | null {
    const { knowsStream } = this.#options;
    const scope = stream ?? (knowsStream === null ? '' : (visit.named ?? ''));
    if (knowsStream !== null) {
      const id = parseStreamId(scope);
      const isKnown = id === null ? false : knowsStream(id);
      if (isKnown !== true) {
        const status = isKnown === null ? '503 Service Unavailable' : '403 Forbidden';
        this.#refuse(visit.socket, status, 'stream');
        return null;
      }
    }
    const infoHash = swarmOfPath(visit.path);
    const swarm = infoHash === null ? undefined : this.#directory.find(scope, infoHash);
    if (swarm === undefined || swarm.hasRoomFor(visit.addressKey)) return scope;
    // Not 503: a proxy in front asks the next tracker for this swarm, and goes on with the others here.
    this.#refuse(visit.socket, '404 Not Found', 'swarm');
    return null;
  }

  /** Whether the token is used where and as often as it may be; refuses the socket if not. */
  #fits(socket: Duplex, addressKey: string, { address, uses }: SocketPermission): boolean {
    const isElsewhere = address !== null && address !== addressKey;
    const used = uses === null ? 0 : (this.#socketsByToken.get(uses.tokenId) ?? 0);
    if (!isElsewhere && (uses === null || used < uses.maxSockets)) return true;
    this.#refuse(socket, '401 Unauthorized', isElsewhere ? 'token' : 'replay');
    return false;
  }

  #upgrade(
    request: IncomingMessage,
    head: Buffer,
    { socket, addressKey }: Visit,
    permission: SocketPermission,
  ): void {
    this.#protocol.ws.handleUpgrade(request, socket, head, (raw) =>
      this.#open(raw, addressKey, permission),
    );
  }

  #refuse(socket: Duplex, status: string, reason: RefusalReason): void {
    this.#refusedCount += 1;
    this.#metrics.refusedSockets.inc({ reason });
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  }

  #open(raw: RawWebSocket, addressKey: string, permission: SocketPermission): void {
    const { stream, uses, tokenId } = permission;
    const { messageRate, regionKeysOf } = this.#options;
    const regionKeys = regionKeysOf(addressKey);
    const options = { addressKey, scope: stream ?? '', messageRate, regionKeys };
    const socket = new ViewerSocket(raw, options, {
      mayHandle: (sender, message) => this.#mayHandle(sender, message),
      onMessage: (result, error) => {
        this.#metrics.messages.inc({ result });
        if (result === 'failed') this.#options.logger.warn({ err: error }, 'a message failed');
      },
      onCut: (reason) => this.#metrics.cutSockets.inc({ reason }),
      onClosed: (closed) => {
        this.#sockets.delete(closed);
        this.#addresses.leave(addressKey);
        if (uses !== null) this.#countUse(uses.tokenId, -1);
        if (tokenId !== null) this.#forgetHolder(tokenId, closed);
      },
    });
    this.#sockets.add(socket);
    this.#addresses.enter(addressKey, Date.now());
    if (uses !== null) this.#countUse(uses.tokenId, 1);
    if (tokenId !== null) {
      this.#holders.set(tokenId, (this.#holders.get(tokenId) ?? new Set()).add(socket));
    }
    this.#protocol.onWebSocketConnection(socket);
  }

  #mayHandle(sender: ViewerSocket, message: SignallingMessage): boolean {
    this.#scope = sender.scope;
    if (!this.#mayOpen(sender.scope, message)) return false;
    // An answer is a message to one peer; it looks nobody up and is held to the socket's rate.
    if (message.action !== 'announce' || message.answer) return true;
    return this.#addresses.takeAnnounce(sender.addressKey, Date.now());
  }

  /** Whoever has named a stream cannot fill the memory with swarms in its name. */
  #mayOpen(scope: string, message: SignallingMessage): boolean {
    if (scope === '' || message.action !== 'announce') return true;
    if (this.#directory.countIn(scope) < this.#options.maxSwarmsPerStream) return true;
    const infoHash = Buffer.from(message.info_hash, 'latin1').toString('hex');
    return this.#directory.find(scope, infoHash) !== undefined;
  }

  #forgetHolder(tokenId: string, socket: ViewerSocket): void {
    const holders = this.#holders.get(tokenId);
    holders?.delete(socket);
    if (holders?.size === 0) this.#holders.delete(tokenId);
  }

  #countUse(tokenId: string, change: 1 | -1): void {
    const used = (this.#socketsByToken.get(tokenId) ?? 0) + change;
    if (used > 0) this.#socketsByToken.set(tokenId, used);
    else this.#socketsByToken.delete(tokenId);
  }

  async #close(reason: string): Promise<void> {
    clearInterval(this.#heartbeat);
    this.#options.logger.info({ reason, sockets: this.#sockets.size }, 'signalling stops');
    await this.#sendViewersAway();
    const deadlineMs = Date.now() + drainTimeoutMs;
    while (this.#sockets.size > 0 && Date.now() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    for (const socket of this.#sockets) socket.terminate();
    // Until here newcomers were told to come back later; without a listener they would hang.
    this.#options.httpServer.off('upgrade', this.#onUpgrade);
    await new Promise<void>((resolve) => this.#protocol.close(resolve));
  }

  /** A few at a time: thousands that reconnect at once would overrun the next tracker. */
  async #sendViewersAway(): Promise<void> {
    const viewers = [...this.#sockets];
    const pauses = Math.max(1, Math.floor(this.#options.drainMs / drainPauseMs));
    const batchSize = Math.max(drainBatchSize, Math.ceil(viewers.length / pauses));
    for (let start = 0; start < viewers.length; start += batchSize) {
      if (start > 0) await new Promise((resolve) => setTimeout(resolve, drainPauseMs));
      for (const socket of viewers.slice(start, start + batchSize)) socket.goAway();
    }
  }
}
