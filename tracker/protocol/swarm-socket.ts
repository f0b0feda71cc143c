// Where a viewer of one swarm connects: a path that ends with the swarm's info hash, so that a plain
// consistent-hash proxy brings all its viewers to one tracker. A tracker alone takes any path.

/** Before the 40 hexadecimal digits of the info hash. */
const pathPrefix = '/swarm/';

const swarmPath = /\/swarm\/([0-9a-f]{40})$/;

/** The last part of a path that trackers of the BitTorrent world are known by; it must stay last. */
const announcePath = /\/announce\/?$/;

export interface SwarmSocket {
  /** 40 hexadecimal digits. */
  readonly infoHashHex: string;
  readonly stream: string;
  /** Makes the URL one viewer's own. */
  readonly viewerId: string;
}

/** The URL for one viewer of one swarm on the tracker at `trackerUrl`, query and token kept. */
export function swarmSocketUrl(
  trackerUrl: string,
  { infoHashHex, stream, viewerId }: SwarmSocket,
): string {
  const url = new URL(trackerUrl);
  if (!announcePath.test(url.pathname)) {
    url.pathname = `${url.pathname.replace(/\/+$/, '')}${pathPrefix}${infoHashHex}`;
  }
  url.searchParams.set('stream', stream);
  url.searchParams.set('viewer', viewerId);
  return url.href;
}

/** The info hash in the path of a request target, `null` where there is none. */
export function swarmOfPath(path: string): string | null {
  return swarmPath.exec(path)?.[1] ?? null;
}
