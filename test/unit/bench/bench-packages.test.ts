// The programs that a benchmark has installed are those that it runs, seen from what it imports.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type BenchmarkName, packagesOf, programs } from '../../bench/bench-packages.ts';

const benchFolder = fileURLToPath(new URL('../../bench', import.meta.url));
/** How the name of a benchmark differs from that of its file, where it does. */
const fileNames: Readonly<Partial<Record<string, string>>> = { soak: 'ingest-soak' };
const importPattern = /^(?:import|export)\s(?!type\b)[^'";]*?from\s'(\.[^']+\.ts)'/gm;
/** How the sources name what they run. */
const marks: Readonly<Record<string, RegExp>> = {
  ffmpeg: /'ffmpeg'/,
  chromium: /chromium\.launch\(/,
  ip: /run\('ip'/,
  tc: /'tc'/,
};

/** The text of a file and of all that it imports by relative paths, types apart. */
function sourcesOf(file: string, seen = new Map<string, string>()): readonly string[] {
  if (seen.has(file)) return [];
  const text = readFileSync(file, 'utf8');
  seen.set(file, text);
  for (const [, specifier = ''] of text.matchAll(importPattern))
    sourcesOf(path.join(path.dirname(file), specifier), seen);
  return [...seen.values()];
}

describe('what a benchmark has installed', () => {
  it.each(Object.keys(programs) as BenchmarkName[])('%s: the programs that it runs', (name) => {
    const sources = sourcesOf(path.join(benchFolder, `${fileNames[name] ?? name}-bench.ts`));
    const run = Object.entries(marks)
      .filter(([, mark]) => sources.some((text) => mark.test(text)))
      .map(([command]) => command);
    expect(packagesOf([name], {}).map(({ command }) => command)).toEqual(run);
  });

  it('is asked for once, whatever needs it, and no browser that the environment names', () => {
    const commands = packagesOf(['player', 'startup', 'ingest'], {
      CHROMIUM_PATH: '/opt/chromium',
    }).map(({ command }) => command);
    expect(commands).toEqual(['ffmpeg']);
  });
});
