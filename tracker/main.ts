// Entry point of the tracker alone: environment in, URLs out, signals to a clean end. The only
// file of the tracker that touches the process.

import { EnvironmentError, parseEnvironment } from '@shoal/ingest/environment';
import { pino } from 'pino';
import { trackerOptionsOf } from './config.ts';
import { Tracker } from './tracker.ts';

/** Exit code for a command that was called wrongly. */
const usageExitCode = 2;

async function run(): Promise<void> {
  const environment = parseEnvironment(process.env);
  // Standard error: standard output is for the URLs.
  const logger = pino({ level: environment.SHOAL_LOG_LEVEL, name: 'tracker' }, pino.destination(2));
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        resolve(signal);
      });
    }
  });
  const tracker = await Tracker.start(trackerOptionsOf(environment, logger));
  console.log(`dashboard  ${tracker.url}/`);
  console.log(`tracker    ${tracker.webSocketUrl}/`);
  console.log(`savings    ${tracker.url}/api/v1/savings`);
  console.log('ready');
  await tracker.close(await stopped);
}

try {
  await run();
} catch (error) {
  process.exitCode = error instanceof EnvironmentError ? usageExitCode : 1;
  console.error(error instanceof EnvironmentError ? error.message : error);
}
