// The transcoder and an ffmpeg that misbehaves: too slow, never ending, or gone. And the proof
// that what it writes is the Matroska that it should be.

import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EncodedFrame, EncodedVideoFrame } from '../../ingest/rtp/encoded-frame.ts';
import { MatroskaWriter } from '../../ingest/transcode/matroska-writer.ts';
import { Transcoder, type TranscoderExit } from '../../ingest/transcode/transcoder.ts';
import { makeFrames } from '../support/frame-source.ts';
import { smallLadder } from '../support/ingest-for-test.ts';
import { pollUntil } from '../support/poll-until.ts';

const run = promisify(execFile);
const logger = pino({ level: 'silent' });

function picture(captureTimeMs: number, isKeyframe: boolean, sizeBytes: number): EncodedVideoFrame {
  const configuration = { widthPx: 640, heightPx: 360, decoderConfiguration: null };
  return {
    ...{ kind: 'video', codec: 'vp8', captureTimeMs, isKeyframe },
    payload: new Uint8Array(sizeBytes),
    configuration: isKeyframe ? configuration : null,
  };
}

describe('Transcoder', () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'shoal-transcoder-'));
  });

  afterAll(() => rm(directory, { recursive: true }));

  async function startWith(script: string, name: string, maxLagMs = 8_000) {
    const file = path.join(directory, name);
    await writeFile(file, `#!/bin/sh\n${script}\n`);
    await chmod(file, 0o755);
    const exits: TranscoderExit[] = [];
    const transcoder = new Transcoder({
      ffmpeg: { path: file, version: 'test', hasFpsMode: true },
      ladder: smallLadder,
      renditions: null,
      segmentSeconds: 2,
      allowsPassthrough: true,
      media: { hasVideo: true, hasAudio: false },
      maxLagMs,
      logger,
      onStart: () => undefined,
      onOutput: () => undefined,
      onExit: (exit) => exits.push(exit),
    });
    return { transcoder, exits };
  }

  it('drops what a stuck ffmpeg does not take, and kills it in the end', async () => {
    const { transcoder, exits } = await startWith('exec sleep 60', 'stuck');
    const megabyte = 1024 * 1024;
    for (let index = 0; index < 20; index += 1) {
      transcoder.writeFrame(picture(index * 40, index % 5 === 0, megabyte));
    }
    // 8 MiB may wait, one more frame overshoots; the rest is dropped.
    expect(transcoder.stats.framesWritten).toBeLessThanOrEqual(10);
    expect(transcoder.stats.framesDropped).toBeGreaterThanOrEqual(10);
    await Promise.all([transcoder.close(), transcoder.close()]);
    expect(exits).toMatchObject([{ outcome: 'failed' }]);
    transcoder.writeFrame(picture(9_000, true, 10));
    expect(transcoder.stats.framesDropped).toBeGreaterThanOrEqual(11);
  });

  it('drops rather than lets the stream drift, and goes on with the next keyframe', async () => {
    const { transcoder } = await startWith('sleep 1; exec cat > /dev/null', 'slow', 100);
    // More than a pipe holds, and enough to show the pace.
    for (let index = 0; index < 8; index += 1) {
      transcoder.writeFrame(picture(index * 40, index === 0, 300_000));
    }
    expect(transcoder.stats.framesWritten).toBe(8);
    const writtenAfter = async (isKeyframe: boolean): Promise<number> => {
      const before = transcoder.stats.framesWritten;
      transcoder.writeFrame(picture(Date.now(), isKeyframe, 10));
      return transcoder.stats.framesWritten - before;
    };
    await pollUntil(async () => (await writtenAfter(true)) === 0, {
      timeoutMs: 5_000,
      description: 'a keyframe is dropped',
    });
    expect(await writtenAfter(false)).toBe(0);
    await pollUntil(async () => (await writtenAfter(true)) === 1, {
      timeoutMs: 10_000,
      description: 'a keyframe is taken again',
    });
    expect(await writtenAfter(false)).toBe(1);
    await transcoder.close();
  });

  it('tells when ffmpeg is gone, with its last words', async () => {
    const { transcoder, exits } = await startWith('echo "no such filter" >&2; exit 3', 'gone');
    transcoder.writeFrame(picture(0, true, 10));
    await pollUntil(() => exits.length > 0, { timeoutMs: 10_000, description: 'the exit is told' });
    expect(exits).toEqual([{ outcome: 'failed', message: 'no such filter' }]);
    await transcoder.close();
    expect(exits).toHaveLength(1);
  });

  it('tells when there is no ffmpeg any more', async () => {
    const { transcoder, exits } = await startWith('exit 0', 'removed');
    await rm(path.join(directory, 'removed'));
    transcoder.writeFrame(picture(0, true, 10));
    await pollUntil(() => exits.length > 0, { timeoutMs: 10_000, description: 'the exit is told' });
    expect(exits[0]?.message).toContain('ENOENT');
    await transcoder.close();
  });

  it('starts nothing when no keyframe came', async () => {
    const { transcoder, exits } = await startWith('exit 0', 'unused');
    transcoder.writeFrame(picture(0, false, 10));
    await transcoder.close();
    expect(exits).toEqual([]);
  });
});

describe('the Matroska for ffmpeg', () => {
  it('gives back every frame at its time, as ffprobe reads it', async () => {
    const directory = await mkdtemp(path.join(os.tmpdir(), 'shoal-matroska-'));
    const frames: EncodedFrame[] = await makeFrames({
      ...{ widthPx: 160, heightPx: 90, frameRate: 30, durationSeconds: 7, startTimeMs: 0 },
    });
    const key = frames.find((frame) => frame.kind === 'video' && frame.configuration !== null);
    if (key?.kind !== 'video' || key.configuration === null) throw new Error('no keyframe');
    const writer = new MatroskaWriter({
      video: { codec: key.codec, frameRate: 30, ...key.configuration },
      hasAudio: true,
    });
    const blocks = frames.map((frame) =>
      writer.block({
        track: frame.kind,
        timeMs: frame.captureTimeMs,
        isKeyframe: frame.kind === 'audio' || frame.isKeyframe,
        payload: frame.payload,
      }),
    );
    const file = path.join(directory, 'stream.mkv');
    await writeFile(file, [writer.header(), ...blocks]);
    const entries = 'stream=codec_name,width,height,channels:packet=codec_type,pts_time,size,flags';
    const probing = ['-v', 'warning', '-show_entries', entries, '-of', 'json', file];
    const { stdout, stderr } = await run('ffprobe', probing, { maxBuffer: 16 * 1024 * 1024 });
    expect(stderr).toBe('');
    const probed = JSON.parse(stdout);
    expect(probed.streams).toMatchObject([
      { codec_name: 'h264', width: 160, height: 90 },
      { codec_name: 'opus', channels: 2 },
    ]);
    expect(probed.packets).toHaveLength(frames.length);
    frames.forEach((frame, index) => {
      const packet = probed.packets[index];
      expect(packet.codec_type).toBe(frame.kind);
      expect(Number(packet.size)).toBe(frame.payload.length);
      expect(Math.abs(Number(packet.pts_time) * 1000 - frame.captureTimeMs)).toBeLessThan(1);
      if (frame.kind === 'video') expect(packet.flags.startsWith('K')).toBe(frame.isKeyframe);
    });
    await rm(directory, { recursive: true });
  });
});
