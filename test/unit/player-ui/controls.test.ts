// The pure parts behind the control bar and the diagram: thumbnails by WebVTT, positions in a
// sliding window, rates from counters, the viewer's choice. Functions of `player/ui`.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diagramLabel } from '../../../player/ui/delivery-diagram.ts';
import { DeliveryRateMeter } from '../../../player/ui/delivery-rates.ts';
import { timelineOf } from '../../../player/ui/live-edge.ts';
import { previewPosition } from '../../../player/ui/media-requests.ts';
import { PeerChoice } from '../../../player/ui/peer-choice.ts';
import { parseThumbnailTrack, thumbnailAt } from '../../../player/ui/thumbnail-track.ts';
import { VideoRenditionList } from '../../../player/ui/video-renditions.ts';

const trackUrl = 'https://cdn.example/live/show/thumbnails.vtt';

describe('parseThumbnailTrack', () => {
  it('reads pictures of their own and rectangles of a larger one, relative to the track', () => {
    const track = parseThumbnailTrack(
      'WEBVTT\nX-PROGRAM-DATE-TIME=2026-11-25T10:00:00.000Z\n\n' +
        '00:00:00.000 --> 00:00:02.000\nthumbnails/a/1.jpg\n\n' +
        'cue 2\n01:00:02.500 --> 01:00:04.000 align:start\nsheet.jpg#xywh=160,90,160,90\n',
      trackUrl,
    );
    expect(track).toEqual({
      zeroDateMs: Date.UTC(2026, 10, 25, 10),
      cues: [
        {
          startSeconds: 0,
          endSeconds: 2,
          imageUrl: 'https://cdn.example/live/show/thumbnails/a/1.jpg',
          rectangle: null,
        },
        {
          startSeconds: 3_602.5,
          endSeconds: 3_604,
          imageUrl: 'https://cdn.example/live/show/sheet.jpg',
          rectangle: [160, 90, 160, 90],
        },
      ],
    });
  });

  it('leaves out what it cannot read and never throws', () => {
    expect(parseThumbnailTrack('<html>', trackUrl)).toEqual({ cues: [], zeroDateMs: null });
    const broken =
      'WEBVTT\r\n\r\n00:01 --> x\r\na.jpg\r\n\r\n00:01.000 --> 00:02.000\r\n\r\nNOTE x';
    expect(parseThumbnailTrack(broken, trackUrl).cues).toEqual([]);
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parseThumbnailTrack(`WEBVTT\n\n${text}`, trackUrl).cues.length).toBeLessThan(100);
      }),
    );
  });
});

describe('thumbnailAt', () => {
  const track = parseThumbnailTrack(
    'WEBVTT\n\n00:02.000 --> 00:04.000\n2.jpg\n\n00:04.000 --> 00:06.000\n4.jpg',
    trackUrl,
  );
  it('gives the last picture that has begun, and the first one before all', () => {
    const at = (seconds: number) => thumbnailAt(track, seconds)?.imageUrl.slice(-5);
    expect([0, 2, 3.9, 4, 60].map(at)).toEqual(
      ['2.jpg', '2.jpg', '2.jpg', '4.jpg', '4.jpg'].map((name) => `/${name}`.slice(-5)),
    );
    expect(thumbnailAt({ cues: [], zeroDateMs: null }, 1)).toBeNull();
  });
});

describe('previewPosition', () => {
  it('maps the bar to a window that does not begin at zero', () => {
    // media-chrome gives the share of the bar times the end of the range.
    const range = { startSeconds: 100, endSeconds: 160 };
    expect([0, 80, 160].map((detail) => previewPosition(detail, range))).toEqual([100, 130, 160]);
  });
});

describe('timelineOf', () => {
  it('offers a seek bar for recordings and for live windows', () => {
    expect(timelineOf('unknown', Number.NaN)).toBe('unknown');
    expect(timelineOf('on-demand', Number.NaN)).toBe('recording');
    expect(timelineOf('live', 0)).toBe('live');
    expect(timelineOf('live', 60)).toBe('dvr');
  });
});

describe('DeliveryRateMeter', () => {
  const counters = (cdnBytes: number, peerBytes = 0, uploadedBytes = 0) => ({
    cdnBytes,
    peerBytes,
    uploadedBytes,
  });

  it('averages over the last seconds and forgets what is older', () => {
    const meter = new DeliveryRateMeter();
    expect(meter.update(counters(0), 0)).toEqual({ cdnBps: 0, peersBps: 0, uploadBps: 0 });
    expect(meter.update(counters(125_000, 250_000), 1_000)).toEqual({
      cdnBps: 1_000_000,
      peersBps: 2_000_000,
      uploadBps: 0,
    });
    expect(meter.update(counters(125_000, 250_000, 1_000), 20_000).cdnBps).toBe(0);
  });

  it('begins anew with a new source and is never negative', () => {
    const meter = new DeliveryRateMeter();
    meter.update(counters(1_000_000), 0);
    expect(meter.update(counters(10), 1_000).cdnBps).toBe(0);
    expect(meter.update(counters(135), 2_000).cdnBps).toBe(1_000);
  });
});

describe('diagramLabel', () => {
  const rates = { cdnBps: 400_000, peersBps: 1_600_000, uploadBps: 0 };
  it('says in words what the picture shows', () => {
    expect(diagramLabel({ rates, peerCount: 1, peersAllowed: true })).toBe(
      'Now 400 kbit/s from the CDN, 1.6 Mbit/s from 1 viewer, 0 to them',
    );
    expect(diagramLabel({ rates, peerCount: 0, peersAllowed: false })).toContain(
      'nothing from other viewers',
    );
  });
});

describe('PeerChoice', () => {
  it('follows the page until the viewer has answered, and the viewer from then on', () => {
    const choice = new PeerChoice();
    expect(choice.mustAsk('consent')).toBe(true);
    expect(choice.mustAsk('on')).toBe(false);
    expect(choice.modeFor('on')).toBe('on');
    choice.choose('refused');
    expect(choice.mustAsk('consent')).toBe(false);
    expect(choice.modeFor('on')).toBe('consent');
    choice.choose('allowed');
    expect(choice.modeFor('consent')).toBe('on');
    expect(choice.modeFor('off')).toBe('off');
  });
});

describe('VideoRenditionList', () => {
  const rendition = (id: string, height: number) => ({ id, width: 0, height, bitrateBps: height });

  it('is read by index, tells changes and goes back to automatic with another list', () => {
    const chosen: (string | null)[] = [];
    const events: string[] = [];
    const list = new VideoRenditionList((id) => chosen.push(id));
    for (const type of ['addrendition', 'removerendition', 'change']) {
      list.addEventListener(type, () => events.push(type));
    }
    list.replace([rendition('0', 360), rendition('1', 720)]);
    list.replace([rendition('0', 360), rendition('1', 720)]);
    list.selectedIndex = 1;
    expect(Reflect.get(list, 1)).toMatchObject({ id: '1', height: 720 });
    list.selectedIndex = 9;
    list.replace([]);
    expect(chosen).toEqual(['1', null]);
    expect(events).toEqual(['addrendition', 'change', 'change', 'removerendition']);
    expect([list.length, list.selectedIndex, Reflect.get(list, 0)]).toEqual([0, -1, undefined]);
  });
});
