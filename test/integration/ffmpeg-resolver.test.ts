// Which ffmpeg is chosen: candidates are run, not believed.

import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FfmpegNotFoundError, resolveFfmpeg } from '../../ingest/transcode/ffmpeg-resolver.ts';

const logger = pino({ level: 'silent' });

describe('resolveFfmpeg', () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'shoal-ffmpeg-'));
  });

  afterAll(() => rm(directory, { recursive: true }));

  /** A program that answers the resolver's questions with these texts. */
  async function program(
    name: string,
    answers: { version: string; encoders: string; help: string },
  ) {
    const file = path.join(directory, name);
    const script = `#!/bin/sh
case "$*" in
  *-version*) printf '%s\\n' '${answers.version}' ;;
  *-encoders*) printf '%s\\n' '${answers.encoders}' ;;
  *) printf '%s\\n' '${answers.help}' ;;
esac
`;
    await writeFile(file, script);
    await chmod(file, 0o755);
    return file;
  }

  const able = {
    version: 'ffmpeg version 4.4.2-custom Copyright',
    encoders: ' V....D libx264              H.264\n A....D aac                  AAC',
    help: '-vsync              video sync method',
  };

  it('finds one that works on this machine', async () => {
    const ffmpeg = await resolveFfmpeg({ logger });
    expect(ffmpeg.version).not.toBe('');
    await expect(resolveFfmpeg({ configuredPath: ffmpeg.path, logger })).resolves.toEqual(ffmpeg);
  });

  it('knows older ones by what they cannot do', async () => {
    const configuredPath = await program('old', able);
    await expect(resolveFfmpeg({ configuredPath, logger })).resolves.toEqual({
      ...{ path: configuredPath, version: '4.4.2-custom', hasFpsMode: false },
    });
    const young = await program('young', {
      ...able,
      help: '-fps_mode           set framerate mode',
    });
    await expect(resolveFfmpeg({ configuredPath: young, logger })).resolves.toMatchObject({
      hasFpsMode: true,
    });
  });

  it('takes no other when the configured one does not work, and says why', async () => {
    const cases = [
      { configuredPath: path.join(directory, 'missing'), reason: 'does not exist' },
      {
        configuredPath: await program('no-x264', {
          ...able,
          encoders: ' V....D libx264rgb           H.264 RGB\n A....D aac                  AAC',
        }),
        reason: 'it has no libx264',
      },
      {
        configuredPath: await program('something', { ...able, version: 'hello' }),
        reason: 'does not answer like ffmpeg',
      },
    ];
    for (const { configuredPath, reason } of cases) {
      const resolving = resolveFfmpeg({ configuredPath, logger });
      await expect(resolving).rejects.toThrow(FfmpegNotFoundError);
      await expect(resolving).rejects.toThrow(reason);
      await expect(resolving).rejects.toThrow('SHOAL_FFMPEG_PATH');
    }
  });
});
