// npm run docs: writes the generated parts of the README: configuration, error codes, figures.
// `generated-docs.ts` makes them from the code and from the results of `npm run bench`.

import { readFile, writeFile } from 'node:fs/promises';
import { quotedBenchmarks, renderGeneratedSections } from './generated-docs.ts';

const resultsFolder = new URL('../../test/bench/results/', import.meta.url);
const readmeFile = new URL('../../README.md', import.meta.url);
const before = await readFile(readmeFile, 'utf8');
const figures = await Promise.all(
  quotedBenchmarks.map((name) => readFile(new URL(`${name}.md`, resultsFolder), 'utf8')),
);
const after = renderGeneratedSections(before, figures.join('\n'));
if (after !== before) await writeFile(readmeFile, after);
console.log(after === before ? 'README.md is up to date.' : 'README.md written.');
