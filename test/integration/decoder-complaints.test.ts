// The tests' own decoder: it must hear what is wrong with media, and nothing about what is not.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decoderComplaints } from '../support/decoder-complaints.ts';

const run = promisify(execFile);
let directory: string;
let media: Buffer;

beforeAll(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'shoal-decoder-'));
  const file = path.join(directory, 'jitter.ts');
  const source = ['-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=30:duration=2'];
  // Every tenth picture 24 ms early: less than half of a frame after the one before it.
  const jitter = ['-vf', "settb=1/90000,setpts='N*3000-if(eq(mod(N,10),5),2200,0)'"];
  const timestamps = ['-fps_mode', 'passthrough', '-enc_time_base', '1:90000'];
  const encoder = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '0'];
  await run('ffmpeg', ['-v', 'error', ...source, ...jitter, ...timestamps, ...encoder, file]);
  media = await readFile(file);
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

describe('the decoder’s complaints', () => {
  it('are none about pictures whose pace jitters', async () => {
    expect(await decoderComplaints(media)).toBe('');
  });

  it('are some about broken pictures', async () => {
    const broken = Buffer.from(media);
    broken.fill(0x5a, Math.floor(broken.length / 2), Math.floor(broken.length / 2) + 600);
    expect(await decoderComplaints(broken)).not.toBe('');
  });
});
