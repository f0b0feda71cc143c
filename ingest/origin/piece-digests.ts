// The digests of a segment's pieces and their root (protocol/piece-list.ts). Made when a segment is
// stored: the root goes into the playlist, the list into the response's header.

import { createHash } from 'node:crypto';
import {
  type PieceRoot,
  pieceDigestBytes,
  pieceSizeBytes,
  type Sha256Hex,
} from '../protocol/index.ts';

function digestOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest().subarray(0, pieceDigestBytes);
}

/** The digests of all pieces, one after the other. */
export function pieceListOf(segment: Uint8Array): Buffer {
  const sizeBytes = pieceSizeBytes(segment.length);
  const digests: Buffer[] = [];
  for (let offset = 0; offset < segment.length; offset += sizeBytes) {
    digests.push(digestOf(segment.subarray(offset, offset + sizeBytes)));
  }
  return Buffer.concat(digests);
}

export function pieceRootOf(sizeBytes: number, list: Uint8Array): PieceRoot {
  return { sizeBytes, root: digestOf(list).toString('base64url') };
}

/** About a live window of many renditions; what is older is asked for whole. */
const maxRememberedLists = 1_000;

/** The lists as response headers, remembered by the segments' digests. */
export class PieceLists {
  readonly #headers = new Map<Sha256Hex, string>();

  headerOf({ bytes, digest }: { readonly bytes: Uint8Array; readonly digest: Sha256Hex }): string {
    const known = this.#headers.get(digest);
    if (known !== undefined) return known;
    const header = pieceListOf(bytes).toString('base64');
    this.#headers.set(digest, header);
    if (this.#headers.size > maxRememberedLists) {
      for (const oldest of this.#headers.keys()) {
        this.#headers.delete(oldest);
        break;
      }
    }
    return header;
  }
}
