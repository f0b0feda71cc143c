// npm run ingest: ingest alone, configured by the environment. Prints where it listens, then
// `ready`; SIGTERM and SIGINT end the live playlists and stop it.

import { pino } from 'pino';
import { ingestSetup } from './config.ts';
import { EnvironmentError, parseEnvironment } from './environment.ts';
import { Ingest } from './ingest.ts';

/** As sysexits and shells have it: the call was wrong. */
const usageExitCode = 2;

function stopOnSignals(ingest: Ingest): void {
  const stop = (signal: NodeJS.Signals): void => {
    ingest.close(signal).then(
      () => process.exit(0),
      (error) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop);
}

async function main(): Promise<void> {
  const environment = parseEnvironment(process.env);
  const logger = pino(
    { name: 'ingest', level: environment.SHOAL_LOG_LEVEL },
    pino.destination({ dest: 2, sync: true }),
  );
  const { options, madeKey } = ingestSetup(environment, logger);
  const ingest = await Ingest.start(options);
  stopOnSignals(ingest);
  console.log(`pages    ${ingest.publicUrl}/`);
  console.log(`publish  ${ingest.publicUrl}/whip/{stream}`);
  console.log(`watch    ${ingest.publicUrl}/watch/{stream}`);
  if (madeKey !== null) console.log(`key      ${madeKey.stream}:${madeKey.key}`);
  console.log('ready');
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof EnvironmentError ? usageExitCode : 1;
}
