// With a pinned key, which segments of a playlist the origin has signed: only those may come from
// peers. Remembers its answers; between the playlists of hls.js and delivery.

import { SegmentVerifier } from '@shoal/ingest/protocol';
import { scriptUrl } from '../script-url.ts';
import { claimOf, type DescribedSegment } from './segment-claim.ts';

/** A segment with the signature in its tag; without one it is not signed. */
export interface SignedSegment extends DescribedSegment {
  readonly signature: string | null;
}

type Verifier = Pick<SegmentVerifier, 'verify'>;

/** Answers remembered: more than any playlist is long, apart from recordings of many hours. */
const maxRemembered = 20_000;

export class SignatureCheck {
  readonly #publicKey: string;
  readonly #verdicts = new Map<string, Promise<boolean>>();
  /** What has been found, so that playlists need not wait for it twice. */
  readonly #signed = new Set<string>();
  #verifier: Promise<Verifier> | null = null;
  #hasWarned = false;

  /** @param publicKey 32 bytes in base64url, the `x` of the origin's key */
  constructor(publicKey: string) {
    this.#publicKey = publicKey;
  }

  /** Whether the segment has been found to be signed; `false` also before it was checked. */
  isKnownSigned(segment: SignedSegment): boolean {
    return this.#signed.has(keyOf(segment));
  }

  /** Whether the holder of the pinned key has signed exactly this. */
  check(segment: SignedSegment): Promise<boolean> {
    const key = keyOf(segment);
    const known = this.#verdicts.get(key);
    if (known !== undefined) return known;
    const verdict = this.#verify(segment).then((isSigned) => {
      if (isSigned) this.#signed.add(key);
      else this.#warn(segment);
      return isSigned;
    });
    this.#verdicts.set(key, verdict);
    this.#forgetOldest();
    return verdict;
  }

  async #verify(segment: SignedSegment): Promise<boolean> {
    const claim = claimOf(segment);
    if (claim === null || segment.signature === null) return false;
    this.#verifier ??= this.#makeVerifier();
    try {
      return await (await this.#verifier).verify(claim, segment.signature);
    } catch (error) {
      console.warn('Shoal: signatures cannot be checked, so nothing comes from peers.', error);
      return false;
    }
  }

  async #makeVerifier(): Promise<Verifier> {
    const native = await SegmentVerifier.create(this.#publicKey);
    if (native) return native;
    const { ScriptVerifier } = await import('./script-verifier.ts');
    return new ScriptVerifier(this.#publicKey, scriptUrl);
  }

  #warn({ url }: SignedSegment): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    console.warn(`Shoal: ${url} is not signed with the pinned key: it comes from the CDN alone.`);
  }

  #forgetOldest(): void {
    if (this.#verdicts.size <= maxRemembered) return;
    const [oldest] = this.#verdicts.keys();
    if (oldest === undefined) return;
    this.#verdicts.delete(oldest);
    this.#signed.delete(oldest);
  }
}

function keyOf(segment: SignedSegment): string {
  const { url, mediaSequenceNumber, discontinuitySequence, digest, initDigest } = segment;
  const numbers = `${mediaSequenceNumber} ${discontinuitySequence}`;
  return `${url} ${numbers} ${digest} ${initDigest} ${segment.signature ?? ''}`;
}
