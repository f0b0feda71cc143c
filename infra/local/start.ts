// npm start: the whole system on this machine, with `--demo` also somebody who broadcasts and
// viewers who watch. Prints one line per URL, then `ready`; a signal ends it properly.

import { parseArgs } from 'node:util';
import { FfmpegNotFoundError } from '@shoal/ingest';
import { type Environment, EnvironmentError, parseEnvironment } from '@shoal/ingest/environment';
import { livePlaylistPath } from '@shoal/ingest/protocol';
import { signViewerToken } from '@shoal/tracker';
import { type Logger, pino } from 'pino';
import { Demo } from '../demo/demo.ts';
import { ProductionLikeSet } from '../production-like/production-like-set.ts';
import { buildForBrowsers } from './build.ts';
import { ChildServerError } from './child-server.ts';
import { demoStream, withDemoKey } from './demo-key.ts';
import { House } from './house.ts';
import {
  ensureSystemPackages,
  productionLikePackages,
  SystemPackageError,
} from './system-packages.ts';
import { ensureFfmpeg } from './usable-ffmpeg.ts';

const usage = `Usage: npm start [-- --demo] [--production-like]

  --demo              also publish a test picture to stream '${demoStream}' and watch it with three viewers
  --production-like   nginx in front of two ingests and three trackers, with PostgreSQL, Redis, Swift,
                      coturn and Prometheus from the system's packages; forgets all data when it ends

Configured by SHOAL_ environment variables; the README lists them.`;

const demoViewerCount = 3;
/** Longer than anybody looks at a demo: its viewers do not renew their tokens. */
const demoTokenSeconds = 30 * 24 * 3_600;
const orphanCheckIntervalMs = 500;
const exitCodes = { ok: 0, failed: 1, usage: 2, interruptedTwice: 130 } as const;

interface Modes {
  readonly isDemo: boolean;
  readonly isProductionLike: boolean;
}

/** The services, in one process or as production has them. */
interface Site {
  /** On this machine; clients may see other URLs. */
  readonly whipUrl: string;
  readonly playlistUrl: string;
  readonly trackerUrl: string;
  /** What the tracker verifies viewer tokens with. */
  readonly tokenSecret: string | null;
  close(reason: string): Promise<void>;
}

interface Running {
  readonly site: Site;
  readonly demo: Demo | null;
}

async function start(modes: Modes, signal: AbortSignal): Promise<Running> {
  const { isDemo, isProductionLike } = modes;
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
  const site = isProductionLike
    ? await startProductionLike(environment)
    : await startHouse(environment, logger, signal);
  printKey(randomKey);
  if (!isDemo) return { site, demo: null };
  try {
    return { site, demo: await startDemo(site, environment, logger, signal) };
  } catch (error) {
    await site.close('the demo did not start');
    throw error;
  }
}

async function startHouse(
  environment: Environment,
  logger: Logger,
  signal: AbortSignal,
): Promise<Site> {
  const house = await House.start({ environment, logger }, signal);
  const urls = house.urlsOf(demoStream);
  printUrls({
    broadcast: `${house.ingest.publicUrl}/`,
    ...urls,
    dashboard: `${house.tracker.url}/`,
    whip: `${house.ingest.publicUrl}/whip/${demoStream}`,
    tracker: house.tracker.webSocketUrl,
  });
  return {
    whipUrl: urls.whip,
    playlistUrl: urls.playlist,
    trackerUrl: house.tracker.webSocketUrl,
    tokenSecret: environment.SHOAL_VIEWER_TOKEN_SECRET ?? null,
    close: (reason) => house.close(reason),
  };
}

async function startProductionLike(environment: Environment): Promise<Site> {
  await ensureSystemPackages(productionLikePackages);
  const keys = [...environment.SHOAL_STREAM_KEYS].map(([stream, key]) => `${stream}:${key}`);
  const set = await ProductionLikeSet.start({
    streamKeys: keys.join(','),
    port: environment.SHOAL_INGEST_PORT || undefined,
    trackerPort: environment.SHOAL_TRACKER_PORT || undefined,
    environment: { SHOAL_FFMPEG_PATH: environment.SHOAL_FFMPEG_PATH ?? '' },
  });
  const playlist = `${set.url}${livePlaylistPath(demoStream)}`;
  const whip = `${set.url}/whip/${demoStream}`;
  printUrls({
    ...{ broadcast: `${set.url}/`, watch: `${set.url}/watch/${demoStream}`, playlist, whip },
    ...{ dashboard: `${set.trackerUrl}/`, tracker: set.trackerUrl.replace(/^http/, 'ws') },
  });
  console.log(`Prometheus ${set.parts.prometheus.url}/`);
  return {
    ...{ whipUrl: whip, playlistUrl: playlist, trackerUrl: set.trackerUrl, tokenSecret: null },
    close: () => set.close(),
  };
}

async function startDemo(
  { whipUrl, playlistUrl, trackerUrl, tokenSecret }: Site,
  environment: Environment,
  logger: Logger,
  signal: AbortSignal,
): Promise<Demo> {
  const claims = { stream: demoStream, lifetimeSeconds: demoTokenSeconds };
  return Demo.start(
    {
      whipUrl,
      key: environment.SHOAL_STREAM_KEYS.get(demoStream) ?? '',
      ffmpegPath: environment.SHOAL_FFMPEG_PATH ?? 'ffmpeg',
      playlistUrl,
      trackerUrl,
      viewerToken: tokenSecret === null ? null : await signViewerToken(tokenSecret, claims),
      viewerCount: demoViewerCount,
      logger: logger.child({ service: 'demo' }),
    },
    signal,
  );
}

type UrlName = 'broadcast' | 'watch' | 'playlist' | 'dashboard' | 'whip' | 'tracker';

function printUrls(urls: Readonly<Record<UrlName, string>>): void {
  console.log(`Broadcast  ${urls.broadcast}`);
  console.log(`Watch      ${urls.watch}`);
  console.log(`Playlist   ${urls.playlist}`);
  console.log(`Dashboard  ${urls.dashboard}`);
  console.log(`WHIP       ${urls.whip}`);
  console.log(`Tracker    ${urls.tracker}`);
}

function printKey(randomKey: string | null): void {
  if (randomKey !== null) {
    console.log(`Key        ${randomKey}   (of stream '${demoStream}', until the next start)`);
  }
}

/** Errors that say what to do; all others are ours and keep their stack. */
function explanationOf(error: unknown): string | null {
  if (error instanceof EnvironmentError || error instanceof ChildServerError) return error.message;
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

async function run(modes: Modes): Promise<number> {
  const interrupted = interruption();
  // The services get a signal of their own for the start: an interruption that comes later ends
  // the demo before them, which their own listening to `interrupted` would not.
  const startAbort = new AbortController();
  const abortStart = (): void => startAbort.abort(interrupted.reason);
  interrupted.addEventListener('abort', abortStart);
  try {
    const { site, demo } = await start(modes, startAbort.signal);
    interrupted.removeEventListener('abort', abortStart);
    if (!interrupted.aborted) console.log('ready');
    await aborted(interrupted);
    await demo?.close();
    await site.close('interrupted');
    return exitCodes.ok;
  } catch (error) {
    if (interrupted.aborted) return exitCodes.ok;
    console.error(explanationOf(error) ?? error);
    return error instanceof EnvironmentError ? exitCodes.usage : exitCodes.failed;
  }
}

function requestedModes(): Modes | 'help' | 'wrong' {
  try {
    const { values } = parseArgs({
      options: {
        demo: { type: 'boolean' },
        'production-like': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) return 'help';
    return {
      isDemo: values.demo ?? false,
      isProductionLike: values['production-like'] ?? false,
    };
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 'wrong';
  }
}

const modes = requestedModes();
if (modes === 'help') console.log(usage);
if (modes === 'wrong') console.error(usage);
if (modes === 'help' || modes === 'wrong') {
  process.exit(modes === 'help' ? exitCodes.ok : exitCodes.usage);
}
// libdatachannel's threads would keep the process for many seconds more.
process.exit(await run(modes));
