// Ed25519 in script, for pages on plain `http:` and browsers without it in WebCrypto. Loaded when the
// first signature is to be checked; about 3 ms a segment (ARCHITECTURE.md).

import { hashes, verify } from '@noble/ed25519';
import { sha512 } from '@noble/hashes/sha2.js';
import { type SegmentClaim, segmentSignedText } from '@shoal/ingest/protocol';

hashes.sha512 = sha512;

const encoder = new TextEncoder();

function bytesOf(base64Url: string): Uint8Array {
  const text = atob(base64Url.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export class ScriptVerifier {
  readonly #key: Uint8Array;

  /**
   * @param publicKey 32 bytes in base64url
   * @param _scriptUrl for the one that stands in for this where it is not in the same file
   */
  constructor(publicKey: string, _scriptUrl: string) {
    this.#key = bytesOf(publicKey);
  }

  async verify(claim: SegmentClaim, signature: string): Promise<boolean> {
    try {
      // RFC 8032, as WebCrypto checks it: without the leniency of ZIP 215.
      const text = encoder.encode(segmentSignedText(claim));
      return verify(bytesOf(signature), text, this.#key, { zip215: false });
    } catch {
      // Not a key, or not a signature: nothing is signed with it.
      return false;
    }
  }
}
