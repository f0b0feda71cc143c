// The files of a deployment as data: YAML documents, the instructions of the Dockerfile, the words of
// the edge's template. The tests of infra read them.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';

export const repositoryRoot = fileURLToPath(new URL('../..', import.meta.url));

export function textOf(file: string): string {
  return readFileSync(path.join(repositoryRoot, file), 'utf8');
}

/** The documents of a YAML file, with `<<` merged. @throws on what is no YAML */
export function yamlDocuments(file: string): readonly unknown[] {
  return parseAllDocuments(textOf(file), { merge: true }).map((document) => {
    const [problem] = document.errors;
    if (problem !== undefined) throw new Error(`${file}: ${problem.message}`);
    return document.toJS();
  });
}

/** Lines of a `.env` file or of its example, without comments. */
export function envNames(file: string): readonly string[] {
  return textOf(file)
    .split('\n')
    .map((line) => /^#? ?([A-Z][A-Z0-9_]*)=/.exec(line)?.[1])
    .filter((name) => name !== undefined);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What is at `path`, or `undefined`. */
export function at(value: unknown, ...keys: readonly (string | number)[]): unknown {
  let current = value;
  for (const key of keys) {
    if (Array.isArray(current) && typeof key === 'number') current = current[key];
    else if (isRecord(current)) current = current[String(key)];
    else return undefined;
  }
  return current;
}

export function records(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

export function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
