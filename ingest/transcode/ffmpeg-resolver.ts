// Finds an ffmpeg that can do the work: the configured one, else ffmpeg-static, else the one on
// the PATH, else the one that npm ships. The composition root asks once; transcoders use the answer.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import type { Logger } from 'pino';

const run = promisify(execFile);
const require = createRequire(import.meta.url);
const probeTimeoutMs = 15_000;
const maxOutputBytes = 4 * 1024 * 1024;

/** An ffmpeg that was run and found able. */
export interface Ffmpeg {
  readonly path: string;
  /** As it calls itself, for example `5.1.9-0+deb12u1`. */
  readonly version: string;
  /** Whether it knows `-fps_mode`; older ones than 5.1 call it `-vsync`. */
  readonly hasFpsMode: boolean;
}

export interface FfmpegResolverOptions {
  /** When set, this one or none. */
  readonly configuredPath?: string | undefined;
  readonly logger: Logger;
}

/** No candidate can transcode; the message lists why and says what to install. */
export class FfmpegNotFoundError extends Error {
  constructor(rejections: readonly string[]) {
    super(
      `No usable ffmpeg (libx264 and aac are needed):\n${rejections
        .map((rejection) => `  ${rejection}`)
        .join(
          '\n',
        )}\nInstall one ('apt-get install ffmpeg', 'brew install ffmpeg') or set SHOAL_FFMPEG_PATH.`,
    );
    this.name = 'FfmpegNotFoundError';
  }
}

interface Candidate {
  readonly origin: string;
  /** `null` when the package is not installed. */
  readonly path: string | null;
}

/** What an optional package exports, or `null`: npm leaves such packages out when they fail. */
function optionalExport(name: string): unknown {
  try {
    return require(name);
  } catch {
    return null;
  }
}

function pathOf(exported: unknown): string | null {
  if (typeof exported === 'string') return exported;
  if (typeof exported === 'object' && exported !== null && 'path' in exported) {
    return typeof exported.path === 'string' ? exported.path : null;
  }
  return null;
}

function candidates(configuredPath: string | undefined): readonly Candidate[] {
  if (configuredPath !== undefined) return [{ origin: 'SHOAL_FFMPEG_PATH', path: configuredPath }];
  return [
    { origin: 'ffmpeg-static', path: pathOf(optionalExport('ffmpeg-static')) },
    { origin: 'PATH', path: 'ffmpeg' },
    {
      origin: '@ffmpeg-installer/ffmpeg',
      path: pathOf(optionalExport('@ffmpeg-installer/ffmpeg')),
    },
  ];
}

async function output(path: string, ...argumentList: readonly string[]): Promise<string> {
  const { stdout } = await run(path, ['-hide_banner', ...argumentList], {
    timeout: probeTimeoutMs,
    maxBuffer: maxOutputBytes,
    windowsHide: true,
  });
  return stdout;
}

/** Runs one candidate. @throws Error that says what it lacks */
async function probe(path: string): Promise<Ffmpeg> {
  // ffmpeg-static exports the path of a file that is missing when its download was blocked.
  if (path.includes('/') && !existsSync(path)) throw new Error('the file does not exist');
  const versionText = await output(path, '-version');
  const version = /^ffmpeg version (\S+)/.exec(versionText)?.[1];
  if (version === undefined) throw new Error('it does not answer like ffmpeg');
  const encoders = await output(path, '-encoders');
  const missing = ['libx264', 'aac'].filter(
    (name) => !new RegExp(`^\\s*[VA]\\S{5}\\s+${name}\\s`, 'm').test(encoders),
  );
  if (missing.length > 0) throw new Error(`it has no ${missing.join(' and no ')}`);
  const help = await output(path, '-h', 'long');
  return { path, version, hasFpsMode: /^-fps_mode\b/m.test(help) };
}

/**
 * The first candidate that works.
 * @throws FfmpegNotFoundError when none does
 */
export async function resolveFfmpeg(options: FfmpegResolverOptions): Promise<Ffmpeg> {
  const rejections: string[] = [];
  for (const { origin, path } of candidates(options.configuredPath)) {
    if (path === null) {
      rejections.push(`${origin}: not installed.`);
      continue;
    }
    try {
      const ffmpeg = await probe(path);
      options.logger.info({ path, version: ffmpeg.version, origin }, 'ffmpeg chosen');
      return ffmpeg;
    } catch (error) {
      const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
      rejections.push(`${origin} (${path}): ${reason}.`);
      options.logger.debug({ path, origin, err: error }, 'ffmpeg rejected');
    }
  }
  throw new FfmpegNotFoundError(rejections);
}
