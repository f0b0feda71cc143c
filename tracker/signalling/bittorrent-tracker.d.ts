// The part of bittorrent-tracker's server that the signalling stage uses; the package ships no
// types. Read from bittorrent-tracker 11.2.3, `server.js` and `lib/server/swarm.js`.

declare module 'bittorrent-tracker/server' {
  import type { EventEmitter } from 'node:events';
  import type { IncomingMessage } from 'node:http';
  import type { Duplex } from 'node:stream';

  /** A socket of the `ws` package. */
  export interface RawWebSocket extends EventEmitter {
    readonly bufferedAmount: number;
    readonly readyState: number;
    send(text: string, onSent: (error?: Error) => void): void;
    ping(): void;
    close(code: number, reason: string): void;
    terminate(): void;
  }

  export interface RawWebSocketServer extends EventEmitter {
    handleUpgrade(
      request: IncomingMessage,
      socket: Duplex,
      head: Buffer,
      onUpgraded: (socket: RawWebSocket) => void,
    ): void;
  }

  export interface ServerOptions {
    readonly interval: number;
    readonly http: false;
    readonly udp: false;
    readonly stats: false;
    readonly ws: { readonly noServer: true; readonly maxPayload: number };
  }

  type Done<Value> = (error: Error | null, value?: Value) => void;

  class Server extends EventEmitter {
    constructor(options: ServerOptions);
    readonly ws: RawWebSocketServer;
    /** For WebSocket clients the library divides it by five (`_onWebSocketRequest`). */
    intervalMs: number;
    /** Meant to be overridden, see the comment on top of `lib/server/swarm.js`. */
    getSwarm: (infoHash: string, done: Done<unknown>) => void;
    createSwarm: (infoHash: string, done: Done<unknown>) => void;
    onWebSocketConnection(socket: EventEmitter): void;
    close(done?: () => void): void;
  }

  // biome-ignore lint/style/noDefaultExport: the package's own shape
  export { Server as default };
}
