// Who may publish which stream. The composition root makes the check from the configured keys;
// the endpoint asks it with the Bearer token of each request.

import { createHash, timingSafeEqual } from 'node:crypto';
import type { StreamId } from '../protocol/index.ts';

/** Whether `key` may publish `stream`; never says how far a wrong key was right. */
export type AuthorizePublisher = (stream: StreamId, key: string) => boolean;

/** Compares digests in constant time: neither length nor content of a key can be measured. */
export function authorizeByKeys(keys: ReadonlyMap<StreamId, string>): AuthorizePublisher {
  const digests = new Map<StreamId, Buffer>();
  for (const [stream, key] of keys) digests.set(stream, digestOf(key));
  const noKey = digestOf('');
  return (stream, key) => {
    const expected = digests.get(stream);
    const isEqual = timingSafeEqual(digestOf(key), expected ?? noKey);
    return isEqual && expected !== undefined;
  };
}

function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
