// The rules of the house as tests: who may import whom, no import cycles, no long files.
// ARCHITECTURE.md explains the ranks; this file enforces them.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const maxFileLines = 500;

function trackedFiles(): string[] {
  const output = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  return output.split('\n').filter((file) => /\.tsx?$/.test(file) && !file.endsWith('.d.ts'));
}

const files = trackedFiles();
const fileSet = new Set(files);

const packageRoots: Readonly<Record<string, string>> = {
  '@shoal/ingest': 'ingest/ingest.ts',
  '@shoal/ingest/environment': 'ingest/environment.ts',
  '@shoal/ingest/protocol': 'ingest/protocol/index.ts',
  '@shoal/tracker': 'tracker/tracker.ts',
  '@shoal/tracker/protocol': 'tracker/protocol/index.ts',
  '@shoal/player': 'player/index.ts',
  '@shoal/player/plugin': 'player/plugin.ts',
  '@shoal/player/delivery': 'player/delivery/index.ts',
  '@shoal/player/telemetry': 'player/telemetry/index.ts',
};

interface Import {
  readonly from: string;
  readonly to: string;
}

const importPattern =
  /(?:^|\n)\s*(?:import|export)\s(?:[^'";]*?\sfrom\s)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/g;

function importsOf(file: string): Import[] {
  const text = readFileSync(path.join(root, file), 'utf8');
  const found: Import[] = [];
  for (const match of text.matchAll(importPattern)) {
    const specifier = match[1] ?? match[2] ?? '';
    if (specifier.startsWith('@shoal/')) {
      const target = packageRoots[specifier];
      if (target === undefined)
        throw new Error(`${file} imports ${specifier}, which no package exports`);
      found.push({ from: file, to: target });
    } else if (specifier.startsWith('.')) {
      const target = path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier));
      if (fileSet.has(target)) found.push({ from: file, to: target });
    }
  }
  return found;
}

const imports = files.flatMap(importsOf);

/** Pure folders: they take data and give data, and import no I/O (ARCHITECTURE.md, "Ranks"). */
const pureFolders = ['ingest/rtp', 'ingest/hls', 'player/delivery/scheduler', 'player/guard'];

/** Files of a service that are as basic as its protocol: types, tables and schemas without I/O. */
const rankZeroFiles = ['errors.ts', 'environment.ts', 'stats.ts'];

function rankOf(file: string): number {
  const [area = '', folder = '', name = ''] = file.split('/');
  if (area === 'infra' || area === 'test') return 5;
  if (['main.ts', 'index.ts', 'plugin.ts', 'embed.ts'].includes(folder)) return 4;
  if (folder === 'protocol' || rankZeroFiles.includes(folder)) return 0;
  if (folder.endsWith('.ts')) return 3;
  if (pureFolders.some((pure) => file.startsWith(`${pure}/`)) || name === 'pure') return 1;
  return 2;
}

/** Siblings of rank 2 that may not know each other: stages meet only in the composition root. */
function stageOf(file: string): string {
  return file.split('/').slice(0, 2).join('/');
}

describe('architecture', () => {
  it('lets imports point downward in rank only', () => {
    const upward = imports.filter(({ from, to }) => rankOf(from) < rankOf(to));
    expect(upward.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  it('lets stages of a service meet only in the composition root', () => {
    const sideways = imports.filter(
      ({ from, to }) => rankOf(from) === 2 && rankOf(to) === 2 && stageOf(from) !== stageOf(to),
    );
    expect(sideways.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  it('lets a package import from a sibling only what the sibling exports for it', () => {
    const allowed: Readonly<Record<string, readonly string[]>> = {
      ingest: [],
      tracker: ['ingest/protocol/index.ts', 'ingest/environment.ts'],
      player: ['ingest/protocol/index.ts', 'tracker/protocol/index.ts'],
    };
    const trespassing = imports.filter(({ from, to }) => {
      const [fromArea = ''] = from.split('/');
      const [toArea = ''] = to.split('/');
      const list = allowed[fromArea];
      return list !== undefined && fromArea !== toArea && !list.includes(to);
    });
    expect(trespassing.map(({ from, to }) => `${from} → ${to}`)).toEqual([]);
  });

  it('has no import cycles', () => {
    const graph = new Map<string, string[]>();
    for (const { from, to } of imports) graph.set(from, [...(graph.get(from) ?? []), to]);
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (file: string, trail: readonly string[]): void => {
      if (trail.includes(file)) {
        cycles.push([...trail.slice(trail.indexOf(file)), file].join(' → '));
        return;
      }
      if (done.has(file)) return;
      for (const next of graph.get(file) ?? []) visit(next, [...trail, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    expect(cycles).toEqual([]);
  });

  it(`has no file over ${maxFileLines} lines`, () => {
    const long = files
      .map((file) => ({
        file,
        lines: readFileSync(path.join(root, file), 'utf8').split('\n').length - 1,
      }))
      .filter(({ lines }) => lines > maxFileLines);
    expect(long).toEqual([]);
  });

  it('opens every source file with its duty and its neighbours in the flow', () => {
    const silent = files.filter((file) => {
      if (file.endsWith('.config.ts')) return false;
      const text = readFileSync(path.join(root, file), 'utf8').replace(/^#!.*\n/, '');
      return !text.startsWith('// ');
    });
    expect(silent).toEqual([]);
  });

  it('reads the environment and ends the process only in entry points', () => {
    const outside = files.filter((file) => {
      if (/^(infra|test)\//.test(file) || /\/main\.ts$/.test(file) || file.endsWith('.config.ts'))
        return false;
      return /\bprocess\.(env|exit|argv)\b/.test(readFileSync(path.join(root, file), 'utf8'));
    });
    expect(outside).toEqual([]);
  });

  it('keeps schema validation out of the player bundle', () => {
    const offenders = files.filter(
      (file) =>
        file.startsWith('player/') &&
        /from 'zod'/.test(readFileSync(path.join(root, file), 'utf8')),
    );
    expect(offenders).toEqual([]);
  });
});
