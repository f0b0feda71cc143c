// Documentation that is checked: generated tables are fresh, links lead somewhere, commands exist.
// `npm run docs` brings the tables up to date.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  quotedBenchmarks,
  renderGeneratedSections,
  replaceSection,
} from '../../infra/local/generated-docs.ts';
import { environmentVariables } from '../../ingest/environment.ts';
import { ingestErrors } from '../../ingest/errors.ts';
import { trackerErrors } from '../../tracker/errors.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const documents = [
  ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md'],
  ...readdirSync(path.join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const textOf = (file: string): string => readFileSync(path.join(root, file), 'utf8');

function packageScripts(): readonly string[] {
  const manifest: unknown = JSON.parse(textOf('package.json'));
  if (typeof manifest !== 'object' || manifest === null || !('scripts' in manifest)) return [];
  return Object.keys(manifest.scripts ?? {});
}

describe('documentation', () => {
  it('has generated tables that are up to date (npm run docs)', () => {
    const figures = quotedBenchmarks
      .map((name) => textOf(`test/bench/results/${name}.md`))
      .join('\n');
    expect(renderGeneratedSections(textOf('README.md'), figures)).toBe(textOf('README.md'));
  });

  it('names every environment variable and every error code in the README', () => {
    const readme = textOf('README.md');
    const names = [environmentVariables, ingestErrors, trackerErrors].flatMap(Object.keys);
    expect(names.filter((name) => !readme.includes(`| \`${name}\` |`))).toEqual([]);
  });

  it('replaces a generated section and nothing else', () => {
    const text = 'a\n<!-- x:start -->\nold\n<!-- x:end -->\nb';
    expect(replaceSection(text, 'x', 'new')).toBe(
      'a\n<!-- x:start -->\n\nnew\n\n<!-- x:end -->\nb',
    );
    expect(() => replaceSection(text, 'y', 'new')).toThrow('<!-- y:start -->');
  });

  it.each(documents)('has no dead link to a file of the repository in %s', (document) => {
    const links = [...textOf(document).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '');
    const files = links.filter((link) => !/^(https?:|mailto:|#)/.test(link));
    const dead = files.filter(
      (link) => !existsSync(path.join(root, path.dirname(document), link.replace(/#.*$/, ''))),
    );
    expect(dead).toEqual([]);
  });

  it.each(documents)('names only npm scripts that exist in %s', (document) => {
    const named = [...textOf(document).matchAll(/npm (?:run ([a-z-]+)|(start|test))\b/g)];
    const scripts = packageScripts();
    const unknown = named
      .map((match) => match[1] ?? match[2] ?? '')
      .filter((script) => !scripts.includes(script));
    expect(unknown).toEqual([]);
  });
});
