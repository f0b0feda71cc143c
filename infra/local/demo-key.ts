// The key of stream `demo` when nobody configured one: random, in memory, printed once.
// `npm start` asks for it before it starts the services.

import { randomBytes } from 'node:crypto';
import type { Environment } from '@shoal/ingest/environment';
import { parseStreamId, type StreamId } from '@shoal/ingest/protocol';

const keySizeBytes = 18;

export interface StreamKeys {
  readonly keys: ReadonlyMap<StreamId, string>;
  /** The random key when one was made, else `null`. */
  readonly randomKey: string | null;
}

/** The stream that the demo publishes. */
export const demoStream: StreamId = requireStreamId('demo');

/** Adds a random key for `demo` when there is no key at all, or when the demo needs it. */
export function withDemoKey(environment: Environment, isDemo: boolean): StreamKeys {
  const configured = environment.SHOAL_STREAM_KEYS;
  const isNeeded = configured.size === 0 || (isDemo && !configured.has(demoStream));
  if (!isNeeded) return { keys: configured, randomKey: null };
  const randomKey = randomBytes(keySizeBytes).toString('base64url');
  return { keys: new Map([...configured, [demoStream, randomKey]]), randomKey };
}

function requireStreamId(text: string): StreamId {
  const id = parseStreamId(text);
  if (id === null) throw new RangeError(`not a stream id: ${text}`);
  return id;
}
