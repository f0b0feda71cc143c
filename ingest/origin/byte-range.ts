// Pure: the Range header (RFC 9110 §14.2), as far as the origin serves it: one range of bytes.
// The resource sender asks it which part of an object to send.

import type { ByteRange } from './origin-store.ts';

/** `whole` when there is no range to heed, `unsatisfiable` for 416. */
export type RangeRequest =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly range: ByteRange }
  | { readonly kind: 'unsatisfiable' };

const singleRange = /^bytes=(\d{0,15})-(\d{0,15})$/;

/** Several ranges, other units and what cannot be read are ignored, as §14.2 allows. */
export function parseRange(header: string | undefined, sizeBytes: number): RangeRequest {
  const match = singleRange.exec(header?.replaceAll(' ', '') ?? '');
  const [, firstText = '', lastText = ''] = match ?? [];
  if (match === null || (firstText === '' && lastText === '')) return { kind: 'whole' };
  if (firstText === '') {
    const suffixBytes = Math.min(Number(lastText), sizeBytes);
    if (suffixBytes === 0) return { kind: 'unsatisfiable' };
    return {
      kind: 'part',
      range: { firstByte: sizeBytes - suffixBytes, lastByte: sizeBytes - 1 },
    };
  }
  const firstByte = Number(firstText);
  const lastByte = lastText === '' ? sizeBytes - 1 : Math.min(Number(lastText), sizeBytes - 1);
  if (lastText !== '' && Number(lastText) < firstByte) return { kind: 'whole' };
  if (firstByte >= sizeBytes) return { kind: 'unsatisfiable' };
  return { kind: 'part', range: { firstByte, lastByte } };
}
