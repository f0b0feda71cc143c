// SHA-256 of a segment, in the browser and in Node. Used on everything that comes from a peer
// before it is stored, played or relayed, and on what comes from the CDN before it is shared.

import { sha256 } from '@noble/hashes/sha2.js';
import type { Sha256Hex } from '@shoal/ingest/protocol';

function toHex(bytes: Uint8Array): Sha256Hex {
  let hex = '';
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0');
  return hex;
}

/**
 * The digest of `bytes`. WebCrypto does it where it exists; pages on plain `http://` have none
 * (it is limited to secure contexts), so there it is computed in script, about 10 ms a megabyte.
 */
export async function sha256Hex(bytes: ArrayBuffer): Promise<Sha256Hex> {
  const subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle;
  if (subtle) return toHex(new Uint8Array(await subtle.digest('SHA-256', bytes)));
  return toHex(sha256(new Uint8Array(bytes)));
}
