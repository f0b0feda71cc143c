// A parent process for the tests of `SupervisedProcess`, to be killed: starts one child and stays.
// Its argument is the file into which the child writes its process id.

import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { SupervisedProcess } from '../../infra/demo/supervised-process.ts';

new SupervisedProcess({
  name: 'child',
  modulePath: fileURLToPath(new URL('./supervised-child.ts', import.meta.url)),
  argumentList: process.argv.slice(2),
  logger: pino({ level: 'silent' }),
});
