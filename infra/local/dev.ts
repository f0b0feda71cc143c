// npm run dev: as `npm start`, but what browsers load is built again and the services start anew
// when a source changes. Arguments such as `--demo` go to `start.ts`.

import { spawn } from 'node:child_process';
import { watch } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildForBrowsers } from './build.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const settleMs = 200;

/** Where the sources of what browsers load are; the build knows what each result depends on. */
const browserSources = [
  'player',
  'ingest/pages',
  'ingest/protocol',
  'tracker/dashboard',
  'tracker/protocol',
];

let isBuilding = false;
let isStale = false;

/** One build at a time; a change during one starts another after it. */
async function rebuild(): Promise<void> {
  isStale = true;
  if (isBuilding) return;
  isBuilding = true;
  while (isStale) {
    isStale = false;
    try {
      for (const { target, outcome, durationMs } of await buildForBrowsers({ isForced: false })) {
        if (outcome === 'built') console.log(`built ${target} in ${Math.round(durationMs)} ms`);
      }
    } catch (error) {
      // Half-written code does not build: the next change may.
      console.error(error instanceof Error ? error.message : error);
    }
  }
  isBuilding = false;
}

let timer: NodeJS.Timeout | undefined;

function onChange(fileName: string | null): void {
  if (fileName !== null && /(^|[\\/])(dist|node_modules)([\\/]|$)/.test(fileName)) return;
  clearTimeout(timer);
  timer = setTimeout(() => void rebuild(), settleMs);
}

await rebuild();
const watchers = browserSources.map((folder) =>
  watch(path.join(root, folder), { recursive: true }, (_event, fileName) => onChange(fileName)),
);

// tsx sends SIGTERM to the services and waits until they have ended.
const tsx = path.join(root, 'node_modules/tsx/dist/cli.mjs');
const services = spawn(
  process.execPath,
  [tsx, 'watch', '--clear-screen=false', 'infra/local/start.ts', ...process.argv.slice(2)],
  { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
);
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => services.kill(signal));
}
services.once('close', (exitCode) => {
  clearTimeout(timer);
  for (const watcher of watchers) watcher.close();
  process.exitCode = exitCode ?? 0;
});
