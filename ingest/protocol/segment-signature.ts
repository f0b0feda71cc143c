// The signature of a segment (README, "Integrity"): what the origin signs, how it stands in the
// digest tag, and how a player that knows the public key checks it. No dependency but WebCrypto.

import type { Sha256Hex } from './digest-tags.ts';

/** Everything that a signature binds together. */
export interface SegmentClaim {
  readonly stream: string;
  readonly recording: string;
  readonly rendition: string;
  readonly mediaSequenceNumber: number;
  readonly discontinuitySequence: number;
  readonly digest: Sha256Hex;
  /** Digest of the init section that the segment needs. */
  readonly initDigest: Sha256Hex;
}

/** The public key as the API gives it: a JSON Web Key of RFC 8037. */
export interface IntegrityKey {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  /** 32 bytes in base64url. */
  readonly x: string;
}

const signedTextVersion = 'shoal-segment-v1';
const signatureAttribute = /(?:^|,)SIGNATURE=([A-Za-z0-9_-]{86})(?:,|$)/;

/** The text that is signed, as UTF-8: one value a line, no line feed at the end. */
export function segmentSignedText(claim: SegmentClaim): string {
  return [
    ...[signedTextVersion, claim.stream, claim.recording, claim.rendition],
    ...[claim.mediaSequenceNumber, claim.discontinuitySequence],
    ...[claim.digest, claim.initDigest],
  ].join('\n');
}

/** `SIGNATURE=base64url`, to be put behind a segment's digest in its tag. */
export function formatSignatureAttribute(signature: string): string {
  return `SIGNATURE=${signature}`;
}

/** The Ed25519 signature in a digest tag's attribute list, or `null` without a valid one. */
export function parseSignatureAttribute(attributes: string): string | null {
  return signatureAttribute.exec(attributes)?.[1] ?? null;
}

function bytesOf(base64Url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64Url.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

type WebCryptoKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/** Checks signatures with one public key. */
export class SegmentVerifier {
  readonly #key: WebCryptoKey;

  private constructor(key: WebCryptoKey) {
    this.#key = key;
  }

  /**
   * `null` where nothing can be checked: pages on plain `http:` have no WebCrypto, and browsers
   * before 2025 no Ed25519.
   * @param publicKey 32 bytes in base64url, the `x` of the key
   */
  static async create(publicKey: string): Promise<SegmentVerifier | null> {
    const subtle = globalThis.crypto?.subtle;
    if (subtle === undefined) return null;
    try {
      const raw = bytesOf(publicKey);
      return new SegmentVerifier(await subtle.importKey('raw', raw, 'Ed25519', false, ['verify']));
    } catch {
      // Not 32 bytes of base64url, or an algorithm that this browser does not know.
      return null;
    }
  }

  /** Whether the holder of the key has signed exactly this claim. */
  async verify(claim: SegmentClaim, signature: string): Promise<boolean> {
    const text = new TextEncoder().encode(segmentSignedText(claim));
    return crypto.subtle.verify('Ed25519', this.#key, bytesOf(signature), text);
  }
}
