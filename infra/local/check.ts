// npm run check: everything that can be said about the code in under a minute, side by side.
// Format and lint, types, then the architecture rules, unit tests and contract suites; without these
// by `--without-tests`, for where `npm test` runs them all.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Step {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const staticSteps: readonly Step[] = [
  { name: 'format and lint', command: ['biome', 'check', '--error-on-warnings', '.'] },
  { name: 'types', command: ['tsc', '--build', '--pretty'] },
];

const fastTests: Step = {
  name: 'architecture, unit and contract tests',
  command: ['vitest', 'run', '--project', 'unit', '--reporter', 'dot', '--maxWorkers', '2'],
};

const steps = process.argv.includes('--without-tests') ? staticSteps : [...staticSteps, fastTests];

function run(step: Step): Promise<{ step: Step; output: string; exitCode: number | null }> {
  const [program, ...rest] = step.command;
  return new Promise((resolve) => {
    const child = spawn('npx', ['--no-install', program, ...rest], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const collect = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('close', (exitCode) => resolve({ step, output, exitCode }));
  });
}

const results = await Promise.all(steps.map(run));
for (const { step, output, exitCode } of results) {
  console.log(`${exitCode === 0 ? 'ok  ' : 'FAIL'}  ${step.name}`);
  if (exitCode !== 0) console.log(output);
}
process.exitCode = results.every(({ exitCode }) => exitCode === 0) ? 0 : 1;
