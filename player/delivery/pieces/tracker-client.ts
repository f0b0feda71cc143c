// bittorrent-tracker's client as browsers load it, brought when peers are first allowed. Headless
// viewers bring their own.

import type { TrackerClientClass } from './peer-connection.ts';

export async function loadTrackerClientClass(): Promise<TrackerClientClass> {
  const { default: Client } = await import('bittorrent-tracker/client');
  return Client;
}
