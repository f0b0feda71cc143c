// The part of bittorrent-tracker's server that the benchmark compares with; the package ships no
// types. Read from bittorrent-tracker 11.2.3, `server.js`.

declare module 'bittorrent-tracker/server' {
  import type { EventEmitter } from 'node:events';
  import type { AddressInfo } from 'node:net';

  class Server extends EventEmitter {
    constructor(options: {
      readonly http: false;
      readonly udp: false;
      readonly ws: true;
      readonly stats: false;
    });
    readonly ws: { address(): AddressInfo };
    listen(port: number, hostname: string): void;
  }

  // biome-ignore lint/style/noDefaultExport: the package's own shape
  export { Server as default };
}
