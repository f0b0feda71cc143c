// Which segments a pinned key lets come from peers, by WebCrypto and by script.

import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SegmentSigner } from '../../../ingest/origin/segment-signer.ts';
import { claimOf } from '../../../player/delivery/verification/segment-claim.ts';
import {
  SignatureCheck,
  type SignedSegment,
} from '../../../player/delivery/verification/signature-check.ts';

const segment = {
  url: 'https://cdn.example/live/demo/720p/20261122t090000z-abc123/12.m4s?token=secret',
  mediaSequenceNumber: 12,
  discontinuitySequence: 1,
  digest: 'a'.repeat(64),
  initDigest: 'b'.repeat(64),
};

let directory: string;
let signer: SegmentSigner;
let signed: SignedSegment;

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'shoal-key-'));
  signer = await SegmentSigner.start({ directory });
  const claim = claimOf(segment);
  if (claim === null) throw new Error('the URL names no segment');
  signed = { ...segment, signature: signer.sign(claim) };
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  await rm(directory, { recursive: true });
});

describe('what is claimed of a segment', () => {
  it('is read from live and recorded URLs alike, whatever host and query', () => {
    const live = claimOf(segment);
    const recorded = claimOf({
      ...segment,
      url: 'http://other.example/media/vod/demo/20261122t090000z-abc123/720p/12.m4s',
    });
    expect(live).toMatchObject({
      stream: 'demo',
      recording: '20261122t090000z-abc123',
      rendition: '720p',
    });
    expect(recorded).toEqual(live);
    expect(claimOf({ ...segment, url: 'https://cdn.example/segment-12.ts' })).toBeNull();
  });
});

describe.each(['WebCrypto', 'script'] as const)('signatures checked by %s', (means) => {
  beforeEach(() => {
    // What a page on plain http: has.
    if (means === 'script') vi.stubGlobal('crypto', { subtle: undefined });
  });

  it('pass for what was signed, and it is remembered', async () => {
    const check = new SignatureCheck(signer.publicKey.x);
    expect(check.isKnownSigned(signed)).toBe(false);
    expect(await check.check(signed)).toBe(true);
    expect(check.isKnownSigned(signed)).toBe(true);
  });

  it('do not pass for anything else', async () => {
    const check = new SignatureCheck(signer.publicKey.x);
    const changes: Partial<SignedSegment>[] = [
      { signature: null },
      { signature: 'A'.repeat(86) },
      { digest: 'c'.repeat(64) },
      { initDigest: 'c'.repeat(64) },
      { mediaSequenceNumber: 13 },
      { discontinuitySequence: 2 },
      { url: segment.url.replace('720p', '480p') },
      { url: segment.url.replace('demo', 'other') },
    ];
    for (const change of changes) {
      expect(await check.check({ ...signed, ...change })).toBe(false);
      expect(check.isKnownSigned({ ...signed, ...change })).toBe(false);
    }
    expect(await new SignatureCheck('A'.repeat(43)).check(signed)).toBe(false);
    expect(await new SignatureCheck('no key').check(signed)).toBe(false);
  });
});
