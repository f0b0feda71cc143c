// How the environment becomes the options of ingest, and who may publish without a configured key.

import { ingestSetup } from '@shoal/ingest';
import { parseEnvironment } from '@shoal/ingest/environment';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { streamId } from '../../support/ingest-for-test.ts';

const logger = pino({ level: 'silent' });

describe('ingestSetup', () => {
  it('makes another key for demo each time when none is configured', () => {
    const [first, second] = [0, 1].map(() => ingestSetup(parseEnvironment({}), logger));
    expect([...(first?.options.streamKeys ?? [])]).toEqual([['demo', first?.madeKey?.key]]);
    expect(first?.madeKey?.key.length).toBeGreaterThanOrEqual(24);
    expect(first?.madeKey?.key).not.toBe(second?.madeKey?.key);
  });

  it('makes no key when there are some', () => {
    const environment = parseEnvironment({ SHOAL_STREAM_KEYS: 'news:secret' });
    const { options, madeKey } = ingestSetup(environment, logger);
    expect(madeKey).toBeNull();
    expect(options.streamKeys.get(streamId('news'))).toBe('secret');
    expect(options.streamKeys.has(streamId('demo'))).toBe(false);
  });

  it('knows the tracker by its public URL, else by its port, else not yet', () => {
    const trackerUrl = (source: Record<string, string>) =>
      ingestSetup(parseEnvironment(source), logger).options.trackerUrl;
    expect(trackerUrl({})).toBe('http://127.0.0.1:8090');
    expect(trackerUrl({ SHOAL_TRACKER_PORT: '0' })).toBeUndefined();
    expect(trackerUrl({ SHOAL_PUBLIC_TRACKER_URL: 'wss://t.example/' })).toBe('wss://t.example');
  });
});
