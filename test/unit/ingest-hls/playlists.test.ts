// The text of playlists, read back by hls-parser, and the rules of a sliding window.

import * as HLS from 'hls-parser';
import { describe, expect, it } from 'vitest';
import {
  formatMediaPlaylist,
  type ListedSegment,
  MediaPlaylist,
} from '../../../ingest/hls/media-playlist.ts';
import {
  BandwidthMeter,
  formatMultivariantPlaylist,
} from '../../../ingest/hls/multivariant-playlist.ts';
import {
  longestSegmentSeconds,
  targetDurationSeconds,
} from '../../../ingest/hls/target-duration.ts';

const digest = 'ab'.repeat(32);
const zeroMs = Date.UTC(2026, 10, 22, 9, 0, 0);

function segment(sequenceNumber: number, generation = 0, durationSeconds = 2): ListedSegment {
  const programDateTimeMs = zeroMs + sequenceNumber * 2000;
  return {
    ...{ sequenceNumber, durationSeconds, programDateTimeMs, digest, sizeBytes: 9, generation },
    signature: null,
    pieceRoot: null,
  };
}

function playlist(windowSeconds = 20): MediaPlaylist {
  const made = new MediaPlaylist({
    targetDurationSeconds: 2,
    windowSeconds,
    uriPrefix: '20261122t090000z-abc123/',
    discontinuitySequence: 3,
  });
  made.addInitSection({ generation: 0, digest });
  return made;
}

function parse(text: string): HLS.types.MediaPlaylist {
  const parsed = HLS.parse(text);
  if (!(parsed instanceof HLS.types.MediaPlaylist)) throw new Error('not a media playlist');
  return parsed;
}

describe('MediaPlaylist', () => {
  it('is what a player understands', () => {
    const made = playlist();
    made.append(segment(5));
    made.append(segment(6, 0, 1.5));
    const parsed = parse(made.text);
    expect(parsed).toMatchObject({
      targetDuration: 2,
      mediaSequenceBase: 5,
      discontinuitySequenceBase: 3,
      independentSegments: true,
      endlist: false,
      lowLatencyCompatibility: { canBlockReload: true },
    });
    expect(parsed.segments.map(({ uri, duration }) => ({ uri, duration }))).toEqual([
      { uri: '20261122t090000z-abc123/5.m4s', duration: 2 },
      { uri: '20261122t090000z-abc123/6.m4s', duration: 1.5 },
    ]);
    expect(parsed.segments[0]?.map?.uri).toBe('20261122t090000z-abc123/init-0.mp4');
    expect(parsed.segments[1]?.programDateTime?.toISOString()).toBe('2026-11-22T09:00:12.000Z');
  });

  it('writes each digest on the line before what it is of', () => {
    const made = playlist();
    made.append(segment(0));
    const lines = made.text.split('\n');
    const lineBefore = (start: string) =>
      lines[lines.findIndex((line) => line.startsWith(start)) - 1];
    expect(lineBefore('#EXTINF')).toBe(`#EXT-X-SHOAL-DIGEST:SHA256=${digest}`);
    expect(lineBefore('#EXT-X-MAP')).toBe(`#EXT-X-SHOAL-MAP-DIGEST:SHA256=${digest}`);
  });

  it('slides, but never below its window', () => {
    const made = playlist(20);
    for (let number = 0; number < 100; number += 1) {
      made.append(segment(number));
      const seconds = made.segments.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0);
      expect(seconds).toBe(Math.min((number + 1) * 2, 20));
    }
    expect(parse(made.text).mediaSequenceBase).toBe(90);
  });

  it('keeps six target durations, however short the window is set', () => {
    const made = playlist(1);
    for (let number = 0; number < 20; number += 1) made.append(segment(number));
    expect(made.segments).toHaveLength(6);
  });

  it('marks a new configuration, and counts it when it has slid out', () => {
    const made = playlist(12);
    made.addInitSection({ generation: 1, digest });
    for (let number = 0; number < 4; number += 1) made.append(segment(number));
    made.append(segment(4, 1));
    const parsed = parse(made.text);
    expect(parsed.segments.map(({ discontinuity }) => discontinuity === true)).toEqual([
      ...[false, false, false, false, true],
    ]);
    expect(parsed.segments[4]?.map?.uri).toContain('init-1.mp4');
    expect(made.lastDiscontinuitySequence).toBe(4);
    for (let number = 5; number < 20; number += 1) made.append(segment(number, 1));
    expect(parse(made.text).discontinuitySequenceBase).toBe(4);
    expect(made.lastDiscontinuitySequence).toBe(4);
  });

  it('refuses a hole in the numbers and a segment beyond the target', () => {
    const made = playlist();
    made.append(segment(0));
    expect(() => made.append(segment(2))).toThrow(RangeError);
    expect(() => made.append(segment(1, 0, 2.5))).toThrow(RangeError);
    expect(() => made.append(segment(1, 0, 2.499))).not.toThrow();
  });

  it('ends', () => {
    const made = playlist();
    made.append(segment(0));
    made.end();
    expect(parse(made.text).endlist).toBe(true);
  });
});

describe('a recorded playlist', () => {
  it('is of type VOD, ended, and does not offer to block', () => {
    const text = formatMediaPlaylist({
      ...{ targetDurationSeconds: 2, discontinuitySequence: 0, uriPrefix: '' },
      ...{ isEnded: true, isRecording: true },
      initSections: [{ generation: 0, digest }],
      segments: [segment(40), segment(41)],
    });
    expect(parse(text)).toMatchObject({
      playlistType: 'VOD',
      endlist: true,
      mediaSequenceBase: 40,
    });
    expect(text).not.toContain('EXT-X-SERVER-CONTROL');
  });
});

describe('targetDurationSeconds', () => {
  it.each([1, 1.5, 2, 2.4, 6])('allows no segment of %d s to round above it', (segmentSeconds) => {
    const target = targetDurationSeconds(segmentSeconds);
    expect(Number.isInteger(target)).toBe(true);
    expect(Math.round(Number(longestSegmentSeconds(segmentSeconds).toFixed(5)))).toBe(target);
    expect(longestSegmentSeconds(segmentSeconds)).toBeGreaterThan(segmentSeconds);
  });
});

describe('formatMultivariantPlaylist', () => {
  const variant = (name: string, bandwidthBps: number, heightPx: number) => ({
    ...{ name, uri: `${name}/index.m3u8`, bandwidthBps, averageBandwidthBps: 90_000 },
    ...{ widthPx: heightPx * 2, heightPx, frameRate: 29.97, codecs: 'avc1.4d401e,mp4a.40.2' },
  });

  it('lists variants highest first with what players choose by', () => {
    const text = formatMultivariantPlaylist([
      variant('low', 100_000, 180),
      variant('high', 900_000, 360),
    ]);
    const parsed = HLS.parse(text);
    if (!(parsed instanceof HLS.types.MasterPlaylist)) throw new Error('not multivariant');
    expect(parsed.variants.map(({ uri }) => uri)).toEqual(['high/index.m3u8', 'low/index.m3u8']);
    expect(parsed.variants[0]).toMatchObject({
      ...{ bandwidth: 900_000, averageBandwidth: 90_000, frameRate: 29.97 },
      ...{ resolution: { width: 720, height: 360 }, codecs: 'avc1.4d401e,mp4a.40.2' },
    });
  });

  it('names the sound once, for all variants, and counts it in each', () => {
    const pictures = { averageBandwidthBps: 80_000, codecs: 'avc1.4d401e' };
    const text = formatMultivariantPlaylist([
      { ...variant('high', 900_000, 360), ...pictures },
      { ...variant('low', 100_000, 180), ...pictures },
      {
        ...{ ...variant('audio', 70_000, 0), averageBandwidthBps: 60_000 },
        ...{ frameRate: null, codecs: 'mp4a.40.2' },
      },
    ]);
    const parsed = HLS.parse(text);
    if (!(parsed instanceof HLS.types.MasterPlaylist)) throw new Error('not multivariant');
    expect(parsed.variants).toMatchObject([
      { uri: 'high/index.m3u8', bandwidth: 970_000, averageBandwidth: 140_000 },
      { uri: 'low/index.m3u8', bandwidth: 170_000, averageBandwidth: 140_000 },
    ]);
    for (const { codecs, audio } of parsed.variants) {
      expect(codecs).toBe('avc1.4d401e,mp4a.40.2');
      expect(audio).toMatchObject([
        { uri: 'audio/index.m3u8', isDefault: true, autoselect: true, channels: '2' },
      ]);
    }
    expect(text.match(/#EXT-X-MEDIA:/g)).toHaveLength(1);
  });

  it('has no group for pictures without sound', () => {
    const text = formatMultivariantPlaylist([variant('high', 900_000, 360)]);
    expect(text).not.toMatch(/EXT-X-MEDIA|AUDIO/);
  });

  it('says nothing about pictures where there are none', () => {
    const text = formatMultivariantPlaylist([
      { ...variant('audio', 100_000, 0), frameRate: null, codecs: 'mp4a.40.2' },
    ]);
    expect(text).not.toMatch(/RESOLUTION|FRAME-RATE|AUDIO|EXT-X-MEDIA/);
    expect(text).toContain('audio/index.m3u8');
  });
});

describe('BandwidthMeter', () => {
  const meter = () =>
    new BandwidthMeter({ videoBitrateBps: 1e6, audioBitrateBps: 1e5, targetDurationSeconds: 2 });

  it('announces the average that was measured, once there is enough of it', () => {
    const made = meter();
    for (let index = 0; index < 4; index += 1) made.add({ sizeBytes: 50_000, durationSeconds: 2 });
    expect(made.announced.averageBandwidthBps).toBe(1_155_000);
    made.add({ sizeBytes: 50_000, durationSeconds: 2 });
    expect(made.announced).toEqual({ bandwidthBps: 1_260_000, averageBandwidthBps: 200_000 });
  });

  it('believes what it measures of a source that is not encoded again', () => {
    const guess = { videoBitrateBps: 1e6, audioBitrateBps: 1e5, targetDurationSeconds: 2 };
    const made = new BandwidthMeter({ ...guess, isEstimate: true });
    expect(made.announced.bandwidthBps).toBe(1_260_000);
    for (const sizeBytes of [50_000, 50_000, 75_000, 50_000, 50_000]) {
      made.add({ sizeBytes, durationSeconds: 2 });
    }
    expect(made.announced).toEqual({ bandwidthBps: 330_000, averageBandwidthBps: 220_000 });
  });

  it('announces the configured peak until a segment is above it', () => {
    const made = meter();
    const configured = made.announced;
    expect(configured.bandwidthBps).toBeGreaterThan(1.1e6);
    made.add({ sizeBytes: 100_000, durationSeconds: 2 });
    expect(made.announced).toEqual(configured);
    made.add({ sizeBytes: 500_000, durationSeconds: 2 });
    const raised = made.announced.bandwidthBps;
    expect(raised).toBeGreaterThanOrEqual(2_000_000);
    // A little more does not change the playlist again.
    made.add({ sizeBytes: 510_000, durationSeconds: 2 });
    expect(made.announced.bandwidthBps).toBe(raised);
    expect(made.measured.bandwidthBps).toBe(2_040_000);
  });

  it('averages over time, and ignores the peak of a stub', () => {
    const made = meter();
    made.add({ sizeBytes: 100_000, durationSeconds: 2 });
    made.add({ sizeBytes: 100_000, durationSeconds: 0.1 });
    expect(made.measured.averageBandwidthBps).toBe(Math.ceil(1_600_000 / 2.1));
    expect(made.measured.bandwidthBps).toBeLessThan(2_000_000);
  });
});
