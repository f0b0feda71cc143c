// The part of bittorrent-tracker's client that tests use as it comes; the package ships no types.

declare module 'bittorrent-tracker/client' {
  import type { EventEmitter } from 'node:events';

  export interface AnnounceClient extends EventEmitter {
    readonly destroyed?: boolean;
    readonly _trackers: readonly {
      _generateOffers: (count: number, done: (offers: readonly []) => void) => void;
    }[];
    start(): void;
    update(): void;
    stop(): void;
    complete(): void;
    scrape(): void;
    destroy(onDone: () => void): void;
  }

  interface AnnounceClientClass {
    new (options: object): AnnounceClient;
    scrape(
      options: { readonly announce: string; readonly infoHash: string },
      done: (error: Error | null, data: unknown) => void,
    ): void;
  }

  const Client: AnnounceClientClass;
  // biome-ignore lint/style/noDefaultExport: the package's own shape
  export default Client;
}
