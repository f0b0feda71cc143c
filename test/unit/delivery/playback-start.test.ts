// What the first picture waits for comes from the CDN at once, also where sound begins with the last
// moment of a segment and the next is needed too.

import { createHash } from 'node:crypto';
import { pieceListHeader } from '@shoal/ingest/protocol';
import { expect, it } from 'vitest';
import { pieceListOf, pieceRootOf } from '../../../ingest/origin/piece-digests.ts';
import { HybridDelivery } from '../../../player/delivery/hybrid-delivery.ts';
import type {
  MediaSegment,
  MediaTrack,
  RenditionPlaylist,
} from '../../../player/delivery/media-segment.ts';
import { DeliveryMeter } from '../../../player/telemetry/delivery-meter.ts';

const bytes = new Uint8Array(createHash('shake256', { outputLength: 20_000 }).digest());
const list = new Uint8Array(pieceListOf(bytes));
const pieces = pieceRootOf(bytes.length, list);
const digest = createHash('sha256').update(bytes).digest('hex');

function segmentOf(track: MediaTrack, number: number, startSeconds: number): MediaSegment {
  const url = `http://origin.invalid/live/a/${track}/${number}.m4s`;
  return { url, mediaSequenceNumber: number, startSeconds, durationSeconds: 2, digest, pieces };
}

function playlistOf(track: MediaTrack, segments: readonly MediaSegment[]): RenditionPlaylist {
  const url = `http://origin.invalid/live/a/${track}/index.m3u8`;
  return { track, url, isLive: true, targetDurationSeconds: 2, segments };
}

it('brings two segments of sound where playback begins between them, and no third', async () => {
  const pictures = playlistOf('main', [segmentOf('main', 70, 140), segmentOf('main', 71, 142)]);
  const sound = playlistOf('audio', [
    segmentOf('audio', 69, 138.01),
    segmentOf('audio', 70, 140.01),
    segmentOf('audio', 71, 142.01),
  ]);
  const fetched: string[] = [];
  const delivery = new HybridDelivery({
    playlistUrl: 'http://origin.invalid/live/a/index.m3u8',
    trackerUrl: 'ws://tracker.invalid',
    exchange: 'shoal',
    // Others are met only when the first picture is there.
    loadCore: () => new Promise(() => undefined),
    loadTrackerClientClass: () => new Promise(() => undefined),
    iceServers: [],
    viewerId: '-SH0101-zzzzzzzzzzzz',
    storeLimitBytes: 64 * 1024 * 1024,
    // It stands still: nothing comes for having been waited for.
    nowMs: () => 0,
    events: new DeliveryMeter(),
    fetch: async (url) => {
      fetched.push(String(url).split('/').slice(-2).join('/'));
      const headers = { [pieceListHeader]: Buffer.from(list).toString('base64') };
      return new Response(bytes, { headers });
    },
  });
  delivery.allowPeers(true);
  const { signal } = new AbortController();
  const load = async ({ url }: RenditionPlaylist, segment: MediaSegment | undefined) => {
    if (segment) await delivery.load(url, segment, signal);
  };
  try {
    delivery.activate(pictures);
    await load(pictures, pictures.segments[0]);
    delivery.activate(sound);
    await load(sound, sound.segments[0]);
    await load(sound, sound.segments[1]);
    load(sound, sound.segments[2]).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(fetched).toEqual(['main/70.m4s', 'audio/69.m4s', 'audio/70.m4s']);
  } finally {
    delivery.close();
  }
});
