// What stands in for `err-code` in the player's builds.

import { expect, it } from 'vitest';
import withCode from '../../../player/stand-ins/err-code.ts';

it.each([
  ['an error', () => new Error('no answer')],
  ['an exception of the browser, which has a code', () => new DOMException('no answer')],
])('gives a code to %s, which stays what it is', (_name, create) => {
  const error = create();
  expect(withCode(error, 'ERR_SIGNALING')).toBe(error);
  expect(error).toMatchObject({ message: 'no answer', code: 'ERR_SIGNALING' });
});
