// The pure parts of ingest's pages: settings, stream key, links to share, sending rate, sentences.
// The pages themselves are tested in Chromium.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failureSentence } from '../../../ingest/pages/browser/broadcast-state.ts';
import { parsePageConfig } from '../../../ingest/pages/browser/page-config.ts';
import {
  formatBitrate,
  readSending,
  type SendingReading,
  sendingText,
} from '../../../ingest/pages/browser/sending-rate.ts';
import { shareTargets } from '../../../ingest/pages/browser/share-links.ts';
import { parseFragment } from '../../../ingest/pages/browser/stream-key.ts';
import { WhipError } from '../../../ingest/pages/browser/whip-client.ts';

describe('parsePageConfig', () => {
  it('reads what the server gives', () => {
    const json = '{"stream":"show","tracker":"ws://t:8090","dashboard":"http://t:8090"}';
    expect(parsePageConfig(json)).toEqual({
      stream: 'show',
      tracker: 'ws://t:8090',
      dashboard: 'http://t:8090',
      tokenUrl: null,
      integrityKey: null,
    });
  });

  it('falls back to its defaults for every other JSON', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        const config = parsePageConfig(json);
        expect(config.stream).not.toBe('');
        expect([typeof config.tracker === 'string', config.tracker === null]).toContain(true);
      }),
    );
    expect(parsePageConfig('{"stream":7,"tracker":""}')).toEqual({
      stream: 'demo',
      tracker: null,
      dashboard: null,
      tokenUrl: null,
      integrityKey: null,
    });
  });
});

describe('parseFragment', () => {
  it('takes key and stream out of the fragment', () => {
    expect(parseFragment('#stream=show&key=a%2Fb')).toEqual({ stream: 'show', key: 'a/b' });
    expect(parseFragment('#key=abc')).toEqual({ stream: null, key: 'abc' });
    expect(parseFragment('')).toEqual({ stream: null, key: null });
  });
});

describe('shareTargets', () => {
  it('gives the address to watch and the lines for another site', () => {
    const tracker = 'wss://t.example/?a=1&b="2"';
    expect(shareTargets('https://live.example', 'show', tracker, 'key-of-the-origin')).toEqual({
      watchUrl: 'https://live.example/watch/show',
      snippet:
        '<script src="https://live.example/player/shoal.js"></script>\n' +
        '<shoal-player src="https://live.example/live/show/index.m3u8" ' +
        'tracker="wss://t.example/?a=1&amp;b=&quot;2&quot;" integrity-key="key-of-the-origin" ' +
        'autoplay muted controls></shoal-player>',
    });
  });

  it('leaves out the tracker and the key where there is none', () => {
    const { snippet } = shareTargets('https://live.example', 'show', null, null);
    expect(snippet).not.toContain('tracker');
    expect(snippet).not.toContain('integrity-key');
  });
});

describe('sendingText', () => {
  const reading = (timestampMs: number, bytesSent: number): SendingReading => ({
    timestampMs,
    bytesSent,
    widthPx: 1280,
    heightPx: 720,
    framesPerSecond: 29.97,
  });

  it('says bit rate, size and frame rate', () => {
    expect(sendingText(reading(1_000, 0), reading(2_000, 300_000))).toBe(
      '2.4 Mbit/s · 1280 × 720 · 30 fps',
    );
  });

  it('leaves out a bit rate that two readings of the same moment cannot give', () => {
    expect(sendingText(null, reading(1_000, 5))).toBe('1280 × 720 · 30 fps');
    expect(sendingText(reading(1_000, 0), reading(1_000, 5))).toBe('1280 × 720 · 30 fps');
  });

  it('adds up picture and sound of a report and ignores everything else in it', () => {
    const report = new Map<string, unknown>([
      ['a', { type: 'outbound-rtp', kind: 'audio', timestamp: 50, bytesSent: 10 }],
      [
        'v',
        { type: 'outbound-rtp', timestamp: 50, bytesSent: 90, frameWidth: 640, frameHeight: 360 },
      ],
      ['t', { type: 'transport', timestamp: 50, bytesSent: 5_000 }],
    ]);
    expect(readSending(report)).toEqual({
      timestampMs: 50,
      bytesSent: 100,
      widthPx: 640,
      heightPx: 360,
      framesPerSecond: null,
    });
  });
});

describe('formatBitrate', () => {
  it.each([
    [0, '0 kbit/s'],
    [850_400, '850 kbit/s'],
    [999_499, '999 kbit/s'],
    [999_500, '1.0 Mbit/s'],
    [2_449_000, '2.4 Mbit/s'],
    [-5, '0 kbit/s'],
  ])('writes %d as %s', (bitrateBps, text) => {
    expect(formatBitrate(bitrateBps)).toBe(text);
  });
});

describe('failureSentence', () => {
  it('says what to do about a refusal that it knows', () => {
    expect(failureSentence(new WhipError('key-refused', 'x'))).toContain('stream key');
    expect(failureSentence(new WhipError('busy', 'x'))).toContain('already');
  });

  it("gives the server's own sentence for the others", () => {
    expect(failureSentence(new WhipError('refused', 'No H.264 in the offer.'))).toBe(
      'No H.264 in the offer.',
    );
  });

  it('explains a camera that may not be used', () => {
    expect(failureSentence(new DOMException('denied', 'NotAllowedError'))).toContain('Allow it');
  });
});
