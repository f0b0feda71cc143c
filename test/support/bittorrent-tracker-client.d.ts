// The part of bittorrent-tracker's own client that tests use; the package ships no types.

declare module 'bittorrent-tracker/client' {
  import type { EventEmitter } from 'node:events';

  export interface ClientOptions {
    readonly infoHash: Uint8Array;
    readonly peerId: Uint8Array;
    readonly announce: readonly string[];
    readonly port: number;
  }

  class Client extends EventEmitter {
    constructor(options: ClientOptions);
    start(): void;
    stop(): void;
    destroy(done?: () => void): void;
  }

  // biome-ignore lint/style/noDefaultExport: the package's own shape
  export { Client as default };
}
