// npm run docs: writes the generated parts of the README: configuration and error codes.
// `generated-docs.ts` makes them from the code.

import { readFile, writeFile } from 'node:fs/promises';
import { renderGeneratedSections } from './generated-docs.ts';

const readmeFile = new URL('../../README.md', import.meta.url);
const before = await readFile(readmeFile, 'utf8');
const after = renderGeneratedSections(before);
if (after !== before) await writeFile(readmeFile, after);
console.log(after === before ? 'README.md is up to date.' : 'README.md written.');
