// The synthetic broadcaster against the real ingest: what it publishes becomes a playlist, what
// ingest refuses becomes a clear error, and closing it ends the broadcast.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Ingest, ingestSetup } from '@shoal/ingest';
import { parseEnvironment } from '@shoal/ingest/environment';
import type { StreamDetails } from '@shoal/ingest/protocol';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SyntheticBroadcaster } from '../../infra/demo/broadcaster.ts';
import { WhipError } from '../../infra/demo/whip-client.ts';
import { pollUntil } from '../support/poll-until.ts';

const logger = pino({ level: 'silent' });
const small = {
  ffmpegPath: 'ffmpeg',
  widthPx: 640,
  heightPx: 360,
  framesPerSecond: 15,
  videoBitrateBps: 500_000,
} as const;

let dataDir = '';
let ingest: Ingest;

beforeAll(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'shoal-broadcaster-'));
  const environment = parseEnvironment({
    SHOAL_INGEST_PORT: '0',
    SHOAL_STREAM_KEYS: 'demo:key,other:key',
    SHOAL_LADDER: '240p',
    SHOAL_DATA_DIR: dataDir,
    SHOAL_FFMPEG_PATH: 'ffmpeg',
  });
  ingest = await Ingest.start(ingestSetup(environment, logger).options);
});

afterAll(async () => {
  await ingest.close('test over');
  await rm(dataDir, { recursive: true, force: true });
});

async function playlistOf(stream: string): Promise<string | null> {
  const response = await fetch(`${ingest.url}/live/${stream}/index.m3u8`);
  const text = await response.text();
  return response.ok ? text : null;
}

describe('SyntheticBroadcaster', () => {
  it.each([
    ['demo', 'h264'],
    ['other', 'vp8'],
  ] as const)('publishes stream %s as %s until it is closed', async (stream, codec) => {
    const broadcaster = await SyntheticBroadcaster.start({
      ...small,
      whipUrl: `${ingest.url}/whip/${stream}`,
      key: 'key',
      codec,
    });
    try {
      const playlist = await pollUntil(() => playlistOf(stream), {
        timeoutMs: 30_000,
        description: `a playlist of ${stream}`,
      });
      expect(playlist).toContain('RESOLUTION=426x240');
      expect(playlist).toMatch(/CODECS="avc1\.[0-9a-f]{6},mp4a\.40\.2"/);
      const details: StreamDetails = await (
        await fetch(`${ingest.url}/api/v1/streams/${stream}`)
      ).json();
      expect(details).toMatchObject({ id: stream, state: 'live', encoder: { restarts: 0 } });
      expect(details.encoder?.writtenFrames).toBeGreaterThan(20);
      expect(details.publisher?.tracks.map((track) => track.codec)).toEqual(
        expect.arrayContaining([codec, 'opus']),
      );
      for (const track of details.publisher?.tracks ?? []) {
        expect(track.averageBitrateBps).toBeGreaterThan(1_000);
        expect(track.lostPackets).toBe(0);
      }
      // A session's id would let anybody end it.
      const sessionId = broadcaster.sessionUrl.split('/').at(-1) ?? '';
      expect(JSON.stringify(details)).not.toContain(sessionId.slice(0, 8));
      const { video, audio } = broadcaster.statistics();
      expect(video.packetsMissing).toBe(0);
      expect(audio?.packetsSent).toBeGreaterThan(50);
    } finally {
      await broadcaster.close('test over');
    }
    const media = await pollUntil(
      async () => {
        const response = await fetch(`${ingest.url}/live/${stream}/240p/index.m3u8`);
        const text = await response.text();
        return text.includes('#EXT-X-ENDLIST') && text;
      },
      { timeoutMs: 15_000, description: 'the end of the playlist' },
    );
    expect(media).toContain('#EXT-X-SHOAL-DIGEST:SHA256=');
  });

  it('is refused with the reason of the server when the key is wrong', async () => {
    const refused = SyntheticBroadcaster.start({
      ...small,
      whipUrl: `${ingest.url}/whip/demo`,
      key: 'wrong',
    });
    await expect(refused).rejects.toThrow(WhipError);
    await expect(refused).rejects.toThrow('The stream key is wrong.');
  });
});
