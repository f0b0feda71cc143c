// From the environment to the tracker's options.

import { parseEnvironment } from '@shoal/ingest/environment';
import { trackerDefaults, trackerOptionsOf } from '@shoal/tracker';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';

const logger = pino({ level: 'silent' });
const optionsOf = (source: Record<string, string>) =>
  trackerOptionsOf(parseEnvironment(source), logger);

describe('tracker options', () => {
  it('listen on this machine, keep telemetry in the data directory and ask ingest next door', () => {
    expect(optionsOf({ SHOAL_DATA_DIR: '/data' })).toEqual({
      ...trackerDefaults,
      logger,
      store: { kind: 'sqlite', filePath: '/data/telemetry/telemetry.sqlite' },
      ingestUrl: 'http://127.0.0.1:8080',
      publicIngestUrl: 'http://127.0.0.1:8080',
    });
  });

  it('follow the environment', () => {
    const options = optionsOf({
      SHOAL_HOST: '0.0.0.0',
      SHOAL_TRACKER_PORT: '0',
      SHOAL_INGEST_PORT: '1234',
      SHOAL_PUBLIC_TRACKER_URL: 'wss://tracker.example/',
      SHOAL_TELEMETRY_STORE: 'memory',
      SHOAL_CDN_PRICE_PER_GB: '0.02',
      SHOAL_VIEWER_TOKEN_SECRET: 'a secret of at least 32 characters',
      SHOAL_KNOWN_STREAMS_ONLY: 'yes',
      SHOAL_DASHBOARD_TOKEN: 'token-of-the-dashboard',
    });
    expect(options).toMatchObject({
      port: 0,
      // Behind a proxy all sockets would count for the proxy's address.
      trustProxy: true,
      publicUrl: 'https://tracker.example',
      ingestUrl: 'http://127.0.0.1:1234',
      store: { kind: 'memory' },
      pricePerGb: 0.02,
      viewerTokenSecret: 'a secret of at least 32 characters',
      knownStreamsOnly: true,
      dashboardToken: 'token-of-the-dashboard',
    });
  });

  it('take the URL of a PostgreSQL database as it is', () => {
    const url = 'postgres://shoal:secret@db.example:5432/telemetry';
    expect(optionsOf({ SHOAL_TELEMETRY_STORE: url }).store).toEqual({ kind: 'postgres', url });
  });

  it('ask no ingest whose port is not known', () => {
    expect(optionsOf({ SHOAL_INGEST_PORT: '0' })).toMatchObject({
      ingestUrl: null,
      publicIngestUrl: null,
    });
  });
});
