// npm run docs: writes the generated parts of the README: configuration, error codes, figures.
// `generated-docs.ts` makes them from the code and from the results of `npm run bench`.

import { readFile, writeFile } from 'node:fs/promises';
import { renderGeneratedSections } from './generated-docs.ts';

const readmeFile = new URL('../../README.md', import.meta.url);
const benchFile = new URL('../../test/bench/results/delivery.md', import.meta.url);
const before = await readFile(readmeFile, 'utf8');
const after = renderGeneratedSections(before, await readFile(benchFile, 'utf8'));
if (after !== before) await writeFile(readmeFile, after);
console.log(after === before ? 'README.md is up to date.' : 'README.md written.');
