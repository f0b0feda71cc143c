// npm start: the whole system on this machine, with `--demo` also somebody who broadcasts and
// viewers who watch. Prints one line per URL, then `ready`; a signal ends it properly.

import { parseArgs } from 'node:util';
import { FfmpegNotFoundError } from '@shoal/ingest';
import { type Environment, EnvironmentError, parseEnvironment } from '@shoal/ingest/environment';
import { type Logger, pino } from 'pino';
import { Demo } from '../demo/demo.ts';
import { buildForBrowsers } from './build.ts';
import { demoStream, withDemoKey } from './demo-key.ts';
import { House } from './house.ts';
import { SystemPackageError } from './system-packages.ts';
import { ensureFfmpeg } from './usable-ffmpeg.ts';

const usage = `Usage: npm start [-- --demo]

  --demo   also publish a test picture to stream '${demoStream}' and watch it with three viewers

Configured by SHOAL_ environment variables; the README lists them.`;

const demoViewerCount = 3;
const orphanCheckIntervalMs = 500;
const exitCodes = { ok: 0, failed: 1, usage: 2, interruptedTwice: 130 } as const;

interface Running {
  readonly house: House;
  readonly demo: Demo | null;
}

async function start(isDemo: boolean, signal: AbortSignal): Promise<Running> {
  const configured = parseEnvironment(process.env);
  // Standard error: standard output is for the URLs.
  const logger = pino({ level: configured.SHOAL_LOG_LEVEL }, pino.destination(2));
  const { keys, randomKey } = withDemoKey(configured, isDemo);
  const ffmpeg = await ensureFfmpeg(configured.SHOAL_FFMPEG_PATH, logger);
  const environment: Environment = {
    ...configured,
    SHOAL_STREAM_KEYS: new Map(keys),
    SHOAL_FFMPEG_PATH: ffmpeg.path,
  };
  await buildForBrowsers({ isForced: false });
  signal.throwIfAborted();
  const house = await House.start({ environment, logger }, signal);
  printUrls(house, randomKey);
  if (!isDemo) return { house, demo: null };
  try {
    return { house, demo: await startDemo(house, environment, logger, signal) };
  } catch (error) {
    await house.close('the demo did not start');
    throw error;
  }
}

function startDemo(
  house: House,
  environment: Environment,
  logger: Logger,
  signal: AbortSignal,
): Promise<Demo> {
  const urls = house.urlsOf(demoStream);
  return Demo.start(
    {
      whipUrl: urls.whip,
      key: environment.SHOAL_STREAM_KEYS.get(demoStream) ?? '',
      ffmpegPath: environment.SHOAL_FFMPEG_PATH ?? 'ffmpeg',
      playlistUrl: urls.playlist,
      trackerUrl: house.tracker.webSocketUrl,
      viewerCount: demoViewerCount,
      logger: logger.child({ service: 'demo' }),
    },
    signal,
  );
}

function printUrls(house: House, randomKey: string | null): void {
  const urls = house.urlsOf(demoStream);
  console.log(`Broadcast  ${house.ingest.publicUrl}/`);
  console.log(`Watch      ${urls.watch}`);
  console.log(`Playlist   ${urls.playlist}`);
  console.log(`Dashboard  ${house.tracker.url}/`);
  console.log(`WHIP       ${house.ingest.publicUrl}/whip/${demoStream}`);
  console.log(`Tracker    ${house.tracker.webSocketUrl}`);
  if (randomKey !== null) {
    console.log(`Key        ${randomKey}   (of stream '${demoStream}', until the next start)`);
  }
}

/** Errors that say what to do; all others are ours and keep their stack. */
function explanationOf(error: unknown): string | null {
  if (error instanceof EnvironmentError) return error.message;
  if (error instanceof FfmpegNotFoundError || error instanceof SystemPackageError) {
    return error.message;
  }
  if (!(error instanceof Error) || !('code' in error)) return null;
  const address = 'address' in error && 'port' in error ? `${error.address}:${error.port}` : '';
  if (error.code === 'EADDRINUSE') {
    return `${address} is in use already. Stop the program that listens there, or choose other ports with SHOAL_INGEST_PORT and SHOAL_TRACKER_PORT.`;
  }
  if (error.code === 'EACCES' && address !== '') {
    return `This user may not listen on ${address}. Choose ports above 1023 with SHOAL_INGEST_PORT and SHOAL_TRACKER_PORT.`;
  }
  if (error.code === 'EADDRNOTAVAIL')
    return `${address} is no address of this machine: SHOAL_HOST.`;
  return null;
}

/** Aborts at the first signal; the second ends the process at once. */
function interruption(): AbortSignal {
  const abort = new AbortController();
  const interrupt = (name: NodeJS.Signals): void => {
    if (abort.signal.aborted) process.exit(exitCodes.interruptedTwice);
    abort.abort(new Error(name));
  };
  // SIGHUP: the terminal was closed.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, interrupt);
  if (process.env.npm_lifecycle_event !== undefined) whenOrphaned(() => interrupt('SIGTERM'));
  return abort.signal;
}

/** npm gives a signal to its shell, which ends without passing it on: then nobody is our parent. */
function whenOrphaned(callback: () => void): void {
  const parentId = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parentId) return;
    clearInterval(timer);
    callback();
  }, orphanCheckIntervalMs);
  timer.unref();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

async function run(isDemo: boolean): Promise<number> {
  const interrupted = interruption();
  // The services get a signal of their own for the start: an interruption that comes later ends
  // the demo before them, which their own listening to `interrupted` would not.
  const startAbort = new AbortController();
  const abortStart = (): void => startAbort.abort(interrupted.reason);
  interrupted.addEventListener('abort', abortStart);
  try {
    const { house, demo } = await start(isDemo, startAbort.signal);
    interrupted.removeEventListener('abort', abortStart);
    if (!interrupted.aborted) console.log('ready');
    await aborted(interrupted);
    await demo?.close();
    await house.close('interrupted');
    return exitCodes.ok;
  } catch (error) {
    if (interrupted.aborted) return exitCodes.ok;
    console.error(explanationOf(error) ?? error);
    return error instanceof EnvironmentError ? exitCodes.usage : exitCodes.failed;
  }
}

function requestedMode(): 'plain' | 'demo' | 'help' | 'wrong' {
  try {
    const { values } = parseArgs({
      options: { demo: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) return 'help';
    return values.demo ? 'demo' : 'plain';
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 'wrong';
  }
}

const mode = requestedMode();
if (mode === 'help') console.log(usage);
if (mode === 'wrong') console.error(usage);
if (mode === 'help' || mode === 'wrong') {
  process.exit(mode === 'help' ? exitCodes.ok : exitCodes.usage);
}
// libdatachannel's threads would keep the process for many seconds more.
process.exit(await run(mode === 'demo'));
