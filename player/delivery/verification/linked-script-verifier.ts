// Stands in for the script verifier in builds that are one file, which have no late parts: it loads
// `shoal-verify.js` from where that file came from, the first time a page needs it.

import type { SegmentClaim } from '@shoal/ingest/protocol';
import type { ScriptVerifier as LoadedVerifier } from './script-verifier.ts';

const fileName = 'shoal-verify.js';

export class ScriptVerifier {
  readonly #loading: Promise<LoadedVerifier>;

  /** @param publicKey 32 bytes in base64url */
  constructor(publicKey: string, scriptUrl: string) {
    const url = new URL(fileName, scriptUrl).href;
    this.#loading = import(/* @vite-ignore */ url).then(
      ({ ScriptVerifier: Loaded }) => new Loaded(publicKey, scriptUrl) as LoadedVerifier,
    );
    // Who verifies is told.
    this.#loading.catch(() => {});
  }

  async verify(claim: SegmentClaim, signature: string): Promise<boolean> {
    return (await this.#loading).verify(claim, signature);
  }
}
