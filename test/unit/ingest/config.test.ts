// How the environment becomes the options of ingest, and who may publish without a configured key.

import { ingestSetup } from '@shoal/ingest';
import { EnvironmentError, parseEnvironment } from '@shoal/ingest/environment';
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

  it('refuses a rendition that is called like the sound', () => {
    const ladder = 'audio:640x360:700000:96000';
    expect(() => parseEnvironment({ SHOAL_LADDER: ladder })).toThrow(/SHOAL_LADDER.*'audio'/);
    const named = parseEnvironment({ SHOAL_LADDER: ladder.replace('audio', 'sd') });
    expect(named.SHOAL_LADDER.map(({ name }) => name)).toEqual(['sd']);
  });

  it.each([
    ['disk', 'disk'],
    ['memory', 'memory'],
    ['s3://media', { bucket: 'media', prefix: '' }],
    ['s3://media/', { bucket: 'media', prefix: '' }],
    ['s3://media/shoal/live', { bucket: 'media', prefix: 'shoal/live' }],
  ])('reads the store %s', (text, store) => {
    const keys = { SHOAL_S3_ACCESS_KEY: 'access', SHOAL_S3_SECRET_KEY: 'secret' };
    const environment = parseEnvironment({ SHOAL_ORIGIN_STORE: text, ...keys });
    expect(ingestSetup(environment, logger).options.store).toEqual(store);
  });

  it.each(['s3://', 's3://Media', 's3://media/../x', 's3://media//x', 'ftp://media', 'disc'])(
    'refuses the store %s',
    (text) => {
      expect(() => parseEnvironment({ SHOAL_ORIGIN_STORE: text })).toThrow(EnvironmentError);
    },
  );

  it('says which variable is missing beside another', () => {
    const problemsOf = (source: Record<string, string>) => {
      try {
        ingestSetup(parseEnvironment(source), logger);
      } catch (error) {
        if (error instanceof EnvironmentError) return error.problems.join();
      }
      return '';
    };
    expect(problemsOf({ SHOAL_ORIGIN_STORE: 's3://media' })).toContain('SHOAL_S3_ACCESS_KEY');
    for (const name of ['SHOAL_WEBHOOK_URL', 'SHOAL_ADMISSION_URL']) {
      const problems = problemsOf({ [name]: 'https://hooks.example' });
      expect(problems).toContain('SHOAL_WEBHOOK_SECRET');
    }
  });

  it('keeps recordings for ever unless it is told otherwise', () => {
    const retentionOf = (source: Record<string, string>) =>
      ingestSetup(parseEnvironment(source), logger).options.retention;
    expect(retentionOf({})).toBeUndefined();
    expect(retentionOf({ SHOAL_RETENTION_HOURS: '2', SHOAL_RETENTION_GB: '1.5' })).toEqual({
      ...{ maxAgeSeconds: 7_200, maxTotalBytes: 1_500_000_000 },
    });
  });

  it('knows the tracker by its public URL, else by its port, else not yet', () => {
    const trackerUrl = (source: Record<string, string>) =>
      ingestSetup(parseEnvironment(source), logger).options.trackerUrl;
    expect(trackerUrl({})).toBe('http://127.0.0.1:8090');
    expect(trackerUrl({ SHOAL_TRACKER_PORT: '0' })).toBeUndefined();
    expect(trackerUrl({ SHOAL_PUBLIC_TRACKER_URL: 'wss://t.example/' })).toBe('wss://t.example');
  });
});
