// Which programs count as missing, and what the user reads about them.

import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  chromiumPackage,
  ffmpegPackage,
  ffprobePackage,
  missingPackages,
  SystemPackageError,
} from '../../../infra/local/system-packages.ts';

let directory = '';

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'shoal-packages-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

describe('missingPackages', () => {
  it('finds a command in any directory of the path', async () => {
    const file = path.join(directory, 'ffmpeg');
    await writeFile(file, '#!/bin/sh\n');
    await chmod(file, 0o755);
    const searchPath = ['/nonexistent', directory].join(path.delimiter);
    expect(await missingPackages([ffmpegPackage, chromiumPackage], searchPath)).toEqual([
      chromiumPackage,
    ]);
  });

  it('finds nothing on an empty path', async () => {
    expect(await missingPackages([ffmpegPackage], '')).toEqual([ffmpegPackage]);
  });
});

describe('SystemPackageError', () => {
  it('says what to install where, each package once', () => {
    const { message } = new SystemPackageError([ffmpegPackage, ffprobePackage, chromiumPackage]);
    expect(message).toContain('Not installed: ffmpeg, ffprobe, chromium.');
    expect(message).toContain('sudo apt-get install -y --no-install-recommends ffmpeg chromium\n');
    expect(message).toContain('sudo dnf install -y ffmpeg-free chromium\n');
    expect(message).toMatch(/brew install ffmpeg && brew install --cask chromium$/);
  });
});
