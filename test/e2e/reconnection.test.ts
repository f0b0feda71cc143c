// A publisher dies in the middle, comes back with another codec and size, and says goodbye; a viewer
// in Chromium plays all of it on the page that it has opened once.

import type { StreamList } from '@shoal/ingest/protocol';
import * as HLS from 'hls-parser';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BrowserViewer } from '../support/browser-viewer.ts';
import { launchChromium } from '../support/chromium.ts';
import { decoderComplaints } from '../support/decoder-complaints.ts';
import { KillablePublisher, type KillablePublisherOptions } from '../support/killable-publisher.ts';
import { PlaylistChecker } from '../support/playlist-checker.ts';
import { pollUntil } from '../support/poll-until.ts';
import { Services } from '../support/service-processes.ts';

const stream = 'field';
const key = 'end-to-end-key';
let browser: Browser;
let services: Services;
const publishers: KillablePublisher[] = [];

beforeAll(async () => {
  browser = await launchChromium();
  services = await Services.start({ streamKeys: `${stream}:${key}`, ladder: '240p' });
});

afterAll(async () => {
  for (const publisher of publishers) await publisher.kill();
  await browser?.close();
  await services?.stop();
});

async function publish(
  options: Pick<KillablePublisherOptions, 'codec' | 'size'>,
): Promise<KillablePublisher> {
  const whipUrl = `${services.ingestUrl}/whip/${stream}`;
  const publisher = await pollUntil(() => KillablePublisher.start({ whipUrl, key, ...options }), {
    timeoutMs: 60_000,
    description: `a publisher of ${options.codec} is accepted`,
  });
  publishers.push(publisher);
  return publisher;
}

async function state(): Promise<string | undefined> {
  const { streams } = await services.streams();
  return streams.find(({ id }) => id === stream)?.state;
}

async function finishedRecording(): Promise<StreamList['recordings'][number]> {
  return await pollUntil(async () => (await services.streams()).recordings[0], {
    timeoutMs: 15_000,
    description: 'the recording is finished',
  });
}

describe('a publisher that is killed and comes back', () => {
  it('is watched on without reloading, in one playlist', async () => {
    const playlistUrl = `${services.ingestUrl}/live/${stream}/240p/index.m3u8`;
    const checker = new PlaylistChecker();
    const poll = async (): Promise<string> => {
      const response = await fetch(playlistUrl);
      if (!response.ok) return '';
      const text = await response.text();
      HLS.parse(text);
      checker.check(text);
      return text;
    };
    const publisher = await publish({ codec: 'h264' });
    await pollUntil(async () => (await poll()) !== '', {
      timeoutMs: 30_000,
      description: 'the first segment is listed',
    });
    const viewer = await BrowserViewer.open(browser, `${services.ingestUrl}/watch/${stream}`);
    const multivariantLoads: string[] = [];
    viewer.page.on('request', (request) => {
      if (request.url().endsWith(`/live/${stream}/index.m3u8`)) multivariantLoads.push('again');
    });
    await viewer.untilPlaying(60_000);
    multivariantLoads.length = 0;

    await publisher.kill();
    await pollUntil(
      async () => {
        await poll();
        return (await state()) === 'reconnecting';
      },
      { timeoutMs: 20_000, description: 'ingest misses the publisher' },
    );
    const second = await publish({ codec: 'vp8', size: '480x360' });
    await pollUntil(
      async () => {
        await poll();
        return checker.segments.at(-1)?.discontinuitySequence === 1;
      },
      { timeoutMs: 20_000, description: 'the playlist goes on' },
    );
    const before = checker.segments.filter(
      ({ discontinuitySequence }) => discontinuitySequence === 0,
    );
    const listedSeconds = before.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0);
    await pollUntil(
      async () => {
        await poll();
        // Four seconds beyond everything that the first publisher has sent.
        return (await viewer.media()).positionSeconds > listedSeconds + 4;
      },
      { timeoutMs: 60_000, description: 'the viewer plays the second publisher' },
    );
    const shown = await viewer.media();
    await pollUntil(
      async () => {
        const { picture, decodedAudioBytes } = await viewer.media();
        return picture !== shown.picture && decodedAudioBytes > shown.decodedAudioBytes;
      },
      { timeoutMs: 10_000, description: 'the picture moves and the sound goes on' },
    );

    await second.leave();
    const ended = await pollUntil(
      async () => {
        const text = await poll();
        return text.includes('#EXT-X-ENDLIST') ? text : null;
      },
      { timeoutMs: 20_000, description: 'the playlist ends' },
    );
    const { segments } = checker;
    const totalSeconds = segments.reduce((sum, segment) => sum + segment.durationSeconds, 0);
    await pollUntil(async () => (await viewer.media()).positionSeconds > totalSeconds - 1, {
      timeoutMs: 60_000,
      description: 'the viewer plays to the end',
    });
    expect(multivariantLoads).toEqual([]);
    expect(viewer.pageErrors).toEqual([]);
    expect(HLS.parse(ended)).toMatchObject({ isMasterPlaylist: false, endlist: true });
    expect(await decoderComplaints(playlistUrl)).toBe('');
    const recording = await finishedRecording();
    expect(recording.durationSeconds).toBeCloseTo(totalSeconds, 0);
    expect(await decoderComplaints(recording.playlistUrl)).toBe('');
    expect(new Set(checker.segments.map(({ map }) => map)).size).toBe(2);
    await viewer.close();
  });
});
