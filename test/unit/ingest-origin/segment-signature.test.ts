// What the origin signs is what a player checks, and nothing else passes.

import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  formatSegmentDigestTag,
  formatSignatureAttribute,
  parseDigestAttributes,
  parseSignatureAttribute,
  type SegmentClaim,
  SegmentVerifier,
  segmentSignedText,
} from '@shoal/ingest/protocol';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SegmentSigner } from '../../../ingest/origin/segment-signer.ts';

const claim: SegmentClaim = {
  stream: 'demo',
  recording: '20261122t090000z-abc123',
  rendition: '720p',
  mediaSequenceNumber: 12,
  discontinuitySequence: 1,
  digest: 'a'.repeat(64),
  initDigest: 'b'.repeat(64),
};

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'shoal-key-'));
});

afterEach(() => rm(directory, { recursive: true }));

async function verifierOf(signer: SegmentSigner): Promise<SegmentVerifier> {
  const verifier = await SegmentVerifier.create(signer.publicKey.x);
  if (verifier === null) throw new Error('there is no WebCrypto');
  return verifier;
}

describe('a signed segment', () => {
  it('is signed as the README says', () => {
    expect(segmentSignedText(claim)).toBe(
      `shoal-segment-v1\ndemo\n20261122t090000z-abc123\n720p\n12\n1\n${'a'.repeat(64)}\n${'b'.repeat(64)}`,
    );
  });

  it('passes with the key of the origin and with no other', async () => {
    const signer = await SegmentSigner.start({ directory });
    const signature = signer.sign(claim);
    expect(await (await verifierOf(signer)).verify(claim, signature)).toBe(true);
    const stranger = await SegmentSigner.start({ directory: path.join(directory, 'other') });
    expect(await (await verifierOf(stranger)).verify(claim, signature)).toBe(false);
  });

  it('does not pass as anything else than it is', async () => {
    const signer = await SegmentSigner.start({ directory });
    const [signature, verifier] = [signer.sign(claim), await verifierOf(signer)];
    const changed = fc.record(
      {
        stream: fc.stringMatching(/^[a-z]{1,5}$/),
        recording: fc.stringMatching(/^\d{8}t\d{6}z-[a-z0-9]{6}$/),
        rendition: fc.constantFrom('480p', '360p'),
        mediaSequenceNumber: fc.nat(100),
        discontinuitySequence: fc.nat(10),
        digest: fc.stringMatching(/^[0-9a-f]{64}$/),
        initDigest: fc.stringMatching(/^[0-9a-f]{64}$/),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(changed, async (change) => {
        const other = { ...claim, ...change };
        const isSame = segmentSignedText(other) === segmentSignedText(claim);
        expect(await verifier.verify(other, signature)).toBe(isSame);
      }),
    );
  });

  it('carries its signature beside the digest and other attributes', async () => {
    const signature = (await SegmentSigner.start({ directory })).sign(claim);
    const tag = formatSegmentDigestTag(
      claim.digest,
      formatSignatureAttribute(signature),
      'SIZE=12',
    );
    const attributes = tag.slice(tag.indexOf(':') + 1);
    expect(parseSignatureAttribute(attributes)).toBe(signature);
    expect(parseDigestAttributes(attributes)).toBe(claim.digest);
    expect(parseSignatureAttribute(`SIGNATURE=${signature.slice(1)}`)).toBeNull();
    expect(parseSignatureAttribute(`XSIGNATURE=${signature}`)).toBeNull();
  });
});

describe('the key', () => {
  it('is made once, readable by its owner alone', async () => {
    const [first, second] = await Promise.all([
      SegmentSigner.start({ directory }),
      SegmentSigner.start({ directory }),
    ]);
    expect(second?.publicKey).toEqual(first?.publicKey);
    const { mode } = await stat(path.join(directory, 'integrity-key.pem'));
    expect(mode & 0o777).toBe(0o600);
  });

  it('stops the start when it cannot be read', async () => {
    await writeFile(path.join(directory, 'integrity-key.pem'), 'not a key');
    await expect(SegmentSigner.start({ directory })).rejects.toMatchObject({
      code: 'store-unavailable',
    });
  });

  it('that is no key gives no verifier', async () => {
    expect(await SegmentVerifier.create('AAAA')).toBeNull();
    expect(await SegmentVerifier.create('!')).toBeNull();
  });
});
