// The part of bittorrent-tracker's client that the player uses; the package ships no types.

declare module 'bittorrent-tracker/client' {
  import type { TrackerClientClass } from './peer-connection.ts';

  const Client: TrackerClientClass;
  // biome-ignore lint/style/noDefaultExport: the package's own shape
  export default Client;
}
