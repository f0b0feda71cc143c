// An ffmpeg for this machine: whatever the resolver of ingest finds, else the system's package,
// installed when that is allowed. `npm start` asks before it starts ingest.

import type { Logger } from 'pino';
import {
  type Ffmpeg,
  FfmpegNotFoundError,
  resolveFfmpeg,
} from '../../ingest/transcode/ffmpeg-resolver.ts';
import { ensureSystemPackages, ffmpegPackage } from './system-packages.ts';

/**
 * @param configuredPath the only candidate when given
 * @throws FfmpegNotFoundError or SystemPackageError; both say what to do
 */
export async function ensureFfmpeg(
  configuredPath: string | undefined,
  logger: Logger,
): Promise<Ffmpeg> {
  try {
    return await resolveFfmpeg({ configuredPath, logger });
  } catch (error) {
    if (configuredPath !== undefined || !(error instanceof FfmpegNotFoundError)) throw error;
    await ensureSystemPackages([ffmpegPackage]);
    return await resolveFfmpeg({ configuredPath, logger });
  }
}
