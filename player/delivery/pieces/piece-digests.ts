// Checks pieces: a list of digests against its root from the playlist, a piece against its digest
// in the list. Nothing is used, played or relayed before.

import { sha256 } from '@noble/hashes/sha2.js';
import { type PieceRoot, pieceCount, pieceDigestBytes } from '@shoal/ingest/protocol';

async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const subtle: SubtleCrypto | undefined = globalThis.crypto?.subtle;
  if (subtle) return new Uint8Array(await subtle.digest('SHA-256', bytes));
  return sha256(bytes);
}

/** The digests of a segment's pieces, known to be those that the playlist means. */
export class PieceDigests {
  readonly #list: Uint8Array<ArrayBuffer>;

  private constructor(list: Uint8Array<ArrayBuffer>) {
    this.#list = list;
  }

  /** `null` when the list is not the one whose root the playlist gives. */
  static async verify(
    list: Uint8Array<ArrayBuffer>,
    root: PieceRoot,
  ): Promise<PieceDigests | null> {
    if (list.length !== pieceCount(root.sizeBytes) * pieceDigestBytes) return null;
    const digest = await digestOf(list);
    return toBase64Url(digest.subarray(0, pieceDigestBytes)) === root.root
      ? new PieceDigests(list)
      : null;
  }

  /** For neighbours that lack it. */
  get list(): Uint8Array<ArrayBuffer> {
    return this.#list;
  }

  async matches(piece: number, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    const offset = piece * pieceDigestBytes;
    if (offset + pieceDigestBytes > this.#list.length) return false;
    const digest = await digestOf(bytes);
    for (let index = 0; index < pieceDigestBytes; index += 1) {
      if (digest[index] !== this.#list[offset + index]) return false;
    }
    return true;
  }
}

/** The list in the origin's response header, `null` when it is not base64. */
export function parsePieceList(header: string): Uint8Array<ArrayBuffer> | null {
  try {
    const text = atob(header.trim());
    const list = new Uint8Array(text.length);
    for (let index = 0; index < text.length; index += 1) list[index] = text.charCodeAt(index);
    return list;
  } catch {
    return null;
  }
}

function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '');
}
