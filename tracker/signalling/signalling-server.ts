// The WebTorrent announce protocol on any WebSocket path of the tracker's HTTP server. It admits
// sockets, bittorrent-tracker's server speaks the protocol, and the swarm directory knows who is where.

import type { Server as HttpServer, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import BittorrentServer, { type RawWebSocket } from 'bittorrent-tracker/server';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { addressKeyOf } from './address-key.ts';
import { maxMessageSizeBytes } from './announce-schema.ts';
import { SignallingMetrics } from './signalling-metrics.ts';
import type { SwarmLimits } from './swarm.ts';
import { SwarmDirectory } from './swarm-directory.ts';
import { ViewerSocket } from './viewer-socket.ts';

export interface SignallingOptions extends SwarmLimits {
  readonly httpServer: HttpServer;
  readonly logger: Logger;
  readonly registry: Registry;
  /** How often clients announce themselves, which is how often they meet new peers. */
  readonly announceIntervalSeconds: number;
  /** A socket that does not answer for one to two of these is dead. */
  readonly heartbeatIntervalMs: number;
  readonly maxSockets: number;
  readonly maxSocketsPerAddress: number;
  /** Takes the client's address from the last entry of X-Forwarded-For. */
  readonly trustProxy: boolean;
  /** Asked once per socket for the `token` in its URL; `null`: everybody may join. */
  readonly verifyToken: ((token: string) => Promise<object | null>) | null;
}

/** How long clients have to answer the closing handshake before their sockets are cut. */
const drainTimeoutMs = 1_000;

export class SignallingServer {
  readonly #options: SignallingOptions;
  readonly #protocol: BittorrentServer;
  readonly #directory: SwarmDirectory;
  readonly #metrics: SignallingMetrics;
  readonly #sockets = new Set<ViewerSocket>();
  readonly #socketsByAddress = new Map<string, number>();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  #closing: Promise<void> | null = null;

  constructor(options: SignallingOptions) {
    this.#options = options;
    this.#directory = new SwarmDirectory(options);
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

  /** Refuses new sockets, closes the others and cuts those that do not answer. Idempotent. */
  close(reason: string): Promise<void> {
    this.#closing ??= this.#close(reason);
    return this.#closing;
  }

  #createProtocol(): BittorrentServer {
    const server = new BittorrentServer({
      // For WebSocket clients the library divides by five (`_onWebSocketRequest`).
      interval: this.#options.announceIntervalSeconds * 1000 * 5,
      http: false,
      udp: false,
      stats: false,
      ws: { noServer: true, maxPayload: maxMessageSizeBytes },
    });
    server.getSwarm = (infoHash, done) => done(null, this.#directory.find(infoHash));
    server.createSwarm = (infoHash, done) => done(null, this.#directory.open(infoHash));
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
    const { verifyToken } = this.#options;
    if (verifyToken === null) {
      this.#upgrade(request, socket, head, addressKey);
      return;
    }
    // Not through URL, which throws for some of what a stranger may send as request target.
    const query = new URLSearchParams((request.url ?? '').split('?')[1]);
    const token = query.get('token') ?? '';
    verifyToken(token).then(
      (permission) => {
        if (permission === null) this.#refuse(socket, '401 Unauthorized');
        // Others may have come while the token was checked.
        else if (this.#hasRoom(socket, addressKey)) {
          this.#upgrade(request, socket, head, addressKey);
        }
      },
      (error: unknown) => {
        this.#options.logger.error({ err: error }, 'a viewer token could not be checked');
        socket.destroy();
      },
    );
  }

  /** Whether one more socket fits; refuses it if not. */
  #hasRoom(socket: Duplex, addressKey: string): boolean {
    const fromAddress = this.#socketsByAddress.get(addressKey) ?? 0;
    if (this.#closing || this.#sockets.size >= this.#options.maxSockets) {
      this.#refuse(socket, '503 Service Unavailable');
      return false;
    }
    if (fromAddress >= this.#options.maxSocketsPerAddress) {
      this.#refuse(socket, '429 Too Many Requests');
      return false;
    }
    return true;
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, addressKey: string): void {
    this.#protocol.ws.handleUpgrade(request, socket, head, (raw) => this.#open(raw, addressKey));
  }

  #refuse(socket: Duplex, status: string): void {
    this.#metrics.refusedSockets.inc();
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  }

  #open(raw: RawWebSocket, addressKey: string): void {
    const socket = new ViewerSocket(raw, addressKey, {
      onMessage: (result, error) => {
        this.#metrics.messages.inc({ result });
        if (result === 'failed') this.#options.logger.warn({ err: error }, 'a message failed');
      },
      onClosed: (closed) => this.#onClosed(closed),
    });
    this.#sockets.add(socket);
    this.#socketsByAddress.set(addressKey, (this.#socketsByAddress.get(addressKey) ?? 0) + 1);
    this.#protocol.onWebSocketConnection(socket);
  }

  #onClosed(socket: ViewerSocket): void {
    this.#sockets.delete(socket);
    const left = (this.#socketsByAddress.get(socket.addressKey) ?? 1) - 1;
    if (left > 0) this.#socketsByAddress.set(socket.addressKey, left);
    else this.#socketsByAddress.delete(socket.addressKey);
  }

  async #close(reason: string): Promise<void> {
    this.#options.httpServer.off('upgrade', this.#onUpgrade);
    clearInterval(this.#heartbeat);
    this.#options.logger.info({ reason, sockets: this.#sockets.size }, 'signalling stops');
    for (const socket of this.#sockets) socket.goAway();
    const deadlineMs = Date.now() + drainTimeoutMs;
    while (this.#sockets.size > 0 && Date.now() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    for (const socket of this.#sockets) socket.terminate();
    await new Promise<void>((resolve) => this.#protocol.close(resolve));
  }
}
