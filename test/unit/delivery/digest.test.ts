// SHA-256 with WebCrypto and without it give the same digest.
// player/delivery/digest.ts.

import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { sha256Hex } from '../../../player/delivery/digest.ts';

const bytes = new TextEncoder().encode('a segment'.repeat(1_000)).buffer;
const expected = createHash('sha256').update(new Uint8Array(bytes)).digest('hex');

describe('sha256Hex', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('is the SHA-256 in lower-case hexadecimal', async () => {
    expect(await sha256Hex(bytes)).toBe(expected);
  });

  it('is the same on a page without WebCrypto', async () => {
    vi.stubGlobal('crypto', {});
    expect(await sha256Hex(bytes)).toBe(expected);
  });
});
