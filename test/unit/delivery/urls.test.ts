// Names and addresses that delivery and telemetry make from the URLs they are given.
// player/delivery/{media-segment,tracker-url,viewer-id}.ts, tracker/protocol/stream-name.ts.

import { parseStreamId } from '@shoal/ingest/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renditionName, withoutQuery } from '../../../player/delivery/media-segment.ts';
import { trackerHttpUrl, trackerSocketUrl } from '../../../player/delivery/tracker-url.ts';
import { makeViewerId } from '../../../player/delivery/viewer-id.ts';
import { streamNameOf } from '../../../tracker/protocol/stream-name.ts';

describe('the tracker address', () => {
  it.each([
    ['ws://tracker.test:8090', 'ws://tracker.test:8090/'],
    ['https://tracker.test/live', 'wss://tracker.test/live'],
  ])('%s becomes %s for the WebSocket', (given, expected) => {
    expect(trackerSocketUrl(given, undefined)).toBe(expected);
  });

  it('carries the viewer token in the query', () => {
    expect(trackerSocketUrl('ws://tracker.test', 'a b')).toBe('ws://tracker.test/?token=a+b');
  });

  it('becomes http(s) for the API, without a slash at the end', () => {
    expect(trackerHttpUrl('wss://tracker.test/')).toBe('https://tracker.test');
  });

  it.each(['', 'tracker', 'ftp://tracker.test', 'javascript:alert(1)'])(
    'is refused when it is %j',
    (text) => {
      expect(trackerSocketUrl(text, undefined)).toBeNull();
    },
  );
});

describe('the stream name for telemetry', () => {
  it('is the stream of a Shoal URL, live and recorded', () => {
    expect(streamNameOf('https://cdn.test/live/demo/index.m3u8?token=1')).toBe('demo');
    expect(streamNameOf('https://cdn.test/vod/demo/20260101t000000z-abcdef/index.m3u8')).toBe(
      'demo',
    );
  });

  it('is a valid stream id for any URL', () => {
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true }), (url) => {
        expect(parseStreamId(streamNameOf(url))).not.toBeNull();
      }),
    );
  });
});

describe('rendition and segment names', () => {
  it('come from the folder of the media playlist', () => {
    expect(renditionName('https://cdn.test/live/demo/720p/index.m3u8?x=1')).toBe('720p');
  });

  it('leave tokens out', () => {
    expect(withoutQuery('https://cdn.test/a.m4s?token=secret#x')).toBe('https://cdn.test/a.m4s');
  });
});

describe('the viewer id', () => {
  it('has 20 ASCII characters and is new every time', () => {
    expect(makeViewerId()).toMatch(/^-SH0101-[A-Za-z0-9]{12}$/);
    expect(makeViewerId(false)).toMatch(/^-SH0100-/);
    expect(makeViewerId()).not.toBe(makeViewerId());
  });
});
