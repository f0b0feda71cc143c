// Entity tags of ICE sessions and the If-Match that PATCH must bring (RFC 9725 §4.3.1, RFC 9110
// §13.1.1). Pure; the session routes turn the outcomes into status codes.

/** What an If-Match header says about the current tag. */
export type TagMatch = 'missing' | 'any' | 'same' | 'other';

const tagPattern = /(W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;

/**
 * Compares strongly: a weak tag matches nothing (RFC 9110 §8.8.3.2).
 * @param header the header's value, `undefined` without one
 * @param current with its quotes
 */
export function matchEntityTag(header: string | undefined, current: string): TagMatch {
  const text = header?.trim() ?? '';
  if (text === '') return 'missing';
  if (text === '*') return 'any';
  return [...text.matchAll(tagPattern)].some(([tag]) => tag === current) ? 'same' : 'other';
}
