// Beacons for tests of the tracker: a valid one, changed where the test needs it, and the way to post
// it.

import type { DeliveryBeacon } from '@shoal/tracker/protocol';

export function beaconWith(changes: Partial<DeliveryBeacon> = {}): DeliveryBeacon {
  return {
    session: 'session-0123456789',
    sequence: 0,
    stream: 'demo',
    rendition: '720p',
    intervalMs: 5_000,
    cdnBytes: 1_000,
    peerBytes: 3_000,
    uploadedBytes: 500,
    discardedBytes: 10,
    stallCount: 1,
    stallSeconds: 0.25,
    playedSeconds: 4.75,
    startupSeconds: null,
    liveLatencySeconds: 6.5,
    peerCount: 2,
    p2pEnabled: true,
    ended: false,
    ...changes,
  };
}

/** Posts one; resolves with the status of the answer. */
export async function postBeacon(
  baseUrl: string,
  changes: Partial<DeliveryBeacon> = {},
): Promise<number> {
  const response = await fetch(`${baseUrl}/api/v1/beacons`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(beaconWith(changes)),
  });
  await response.arrayBuffer();
  return response.status;
}
