// A child process for the tests of `SupervisedProcess`: writes its process id into a file, says
// that it is ready, then lives as long as its parent or, with `--short`, not at all.

import { appendFileSync } from 'node:fs';
import { endOfLife } from '../../infra/demo/child-lifetime.ts';

const [pidFile = '', mode] = process.argv.slice(2);
appendFileSync(pidFile, `${process.pid}\n`);
process.send?.('ready');
if (mode === '--short') process.exit(3);
const keepAlive = setInterval(() => undefined, 1_000);
await endOfLife();
clearInterval(keepAlive);
process.exit(0);
