// Compressed playlists (RFC 9110 §8.4): which coding a client takes, and each text compressed once
// for all who ask for it. `send-resource.ts` uses it for resources that are text.

import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { Sha256Hex } from '../protocol/index.ts';

export type ContentCoding = 'br' | 'gzip';

/** In the order of our preference. */
const codings: readonly ContentCoding[] = ['br', 'gzip'];
/** Above this, brotli takes longer than the network saves on texts of some kilobytes. */
const brotliQuality = 5;
const maxRememberedBodies = 256;

/** The coding for an `Accept-Encoding` header; `null` for none (RFC 9110 §12.5.3). */
export function chooseCoding(acceptEncoding: string | undefined): ContentCoding | null {
  const weights = new Map<string, number>();
  for (const item of (acceptEncoding ?? '').toLowerCase().split(',')) {
    const [name = '', ...parameters] = item.split(';').map((part) => part.trim());
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    if (name !== '') weights.set(name, weight === undefined ? 1 : Number(weight));
  }
  const weightOf = (coding: ContentCoding): number => weights.get(coding) ?? weights.get('*') ?? 0;
  const best = codings.toSorted((a, b) => weightOf(b) - weightOf(a))[0];
  return best !== undefined && weightOf(best) > 0 ? best : null;
}

function compress(bytes: Uint8Array, coding: ContentCoding): Uint8Array {
  if (coding === 'gzip') return gzipSync(bytes);
  const params = { [constants.BROTLI_PARAM_QUALITY]: brotliQuality };
  return brotliCompressSync(bytes, { params });
}

/** Compressed bodies of the last texts that were asked for. */
export class CodedBodies {
  readonly #bodies = new Map<string, Uint8Array>();

  get(digest: Sha256Hex, bytes: Uint8Array, coding: ContentCoding): Uint8Array {
    const key = `${digest}-${coding}`;
    const known = this.#bodies.get(key);
    if (known !== undefined) return known;
    const body = compress(bytes, coding);
    this.#bodies.set(key, body);
    for (const oldest of this.#bodies.keys()) {
      if (this.#bodies.size <= maxRememberedBodies) break;
      this.#bodies.delete(oldest);
    }
    return body;
  }
}
