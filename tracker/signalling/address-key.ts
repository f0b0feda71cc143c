// Whose sockets count together: one IPv4 address, or the /64 that an IPv6 subscriber has. Used by
// the signalling server for its limits, kept in memory only and never logged.

import type { IncomingMessage } from 'node:http';

/**
 * The address of a request's client.
 * @param trustProxy believe the last entry of X-Forwarded-For: the one our own proxy wrote, since
 *   all before it are the client's to invent
 */
export function addressKeyOf(request: IncomingMessage, trustProxy: boolean): string {
  const forwarded = trustProxy ? request.headers['x-forwarded-for'] : undefined;
  const entries = (Array.isArray(forwarded) ? forwarded.join(',') : (forwarded ?? '')).split(',');
  const address = entries.at(-1)?.trim() || (request.socket.remoteAddress ?? 'unknown');
  return shortenAddress(address);
}

/** An IPv4 address as it is; of an IPv6 address the first 64 bits (RFC 4291 §2.5.4). */
export function shortenAddress(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [head = '', tail = ''] = address.toLowerCase().split('%')[0]?.split('::') ?? [];
  const headGroups = head === '' ? [] : head.split(':');
  const tailGroups = tail === '' ? [] : tail.split(':');
  const missing = Math.max(0, 8 - headGroups.length - tailGroups.length);
  const groups = address.includes('::')
    ? [...headGroups, ...Array.from({ length: missing }, () => '0'), ...tailGroups]
    : headGroups;
  const prefix = groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ''));
  return `${prefix.join(':')}::/64`;
}

/**
 * The network around an address key: the /24 of an IPv4 address, the /48 of an IPv6 one, which is
 * about one site or one street of a provider.
 */
export function networkKeyOf(addressKey: string): string {
  if (!addressKey.includes(':')) return `${addressKey.split('.').slice(0, 3).join('.')}.0/24`;
  return `${addressKey.split(':').slice(0, 3).join(':')}::/48`;
}
