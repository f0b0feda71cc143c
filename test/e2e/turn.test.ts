// Two viewers in browsers that can reach each other through a TURN server only: they get its address
// and credentials from the tracker, exchange pieces through the real coturn, and what it relays is
// counted apart.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { signViewerToken } from '@shoal/tracker';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SyntheticBroadcaster } from '../../infra/demo/broadcaster.ts';
import type { ChildServer } from '../../infra/local/child-server.ts';
import { freePort } from '../../infra/local/free-port.ts';
import { startService } from '../../infra/local/service-process.ts';
import { CoturnServer } from '../../infra/turn/coturn-server.ts';
import { BrowserViewer } from '../support/browser-viewer.ts';
import { launchChromium } from '../support/chromium.ts';
import { pollUntil } from '../support/poll-until.ts';

const stream = 'relayed';
const key = 'key-of-the-test';
const turnSecret = 'turn-secret-of-the-test';
const viewerTokenSecret = 'a-viewer-token-secret-of-32-characters';

describe('viewers behind a TURN server', () => {
  let directory: string;
  let coturn: CoturnServer;
  let services: readonly ChildServer[] = [];
  let broadcaster: SyntheticBroadcaster;
  let browser: Browser;
  let ingestUrl: string;
  let trackerUrl: string;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'shoal-turn-test-'));
    coturn = await CoturnServer.start(turnSecret);
    const [ingestPort, trackerPort] = [await freePort(), await freePort()];
    ingestUrl = `http://127.0.0.1:${ingestPort}`;
    trackerUrl = `http://127.0.0.1:${trackerPort}`;
    const environment = {
      SHOAL_INGEST_PORT: String(ingestPort),
      SHOAL_TRACKER_PORT: String(trackerPort),
      SHOAL_DATA_DIR: directory,
      SHOAL_STREAM_KEYS: `${stream}:${key}`,
      SHOAL_LADDER: 'small:320x180:400000:64000',
      SHOAL_TURN_URLS: coturn.url,
      SHOAL_TURN_SECRET: turnSecret,
      SHOAL_VIEWER_TOKEN_SECRET: viewerTokenSecret,
      SHOAL_TOKEN_ENDPOINT: 'yes',
    };
    services = await Promise.all([
      startService({ entry: 'ingest/main.ts', port: ingestPort, environment }),
      startService({ entry: 'tracker/main.ts', port: trackerPort, environment }),
    ]);
    broadcaster = await SyntheticBroadcaster.start({
      whipUrl: `${ingestUrl}/whip/${stream}`,
      key,
      codec: 'h264',
      ffmpegPath: 'ffmpeg',
    });
    browser = await launchChromium();
  });

  afterAll(async () => {
    await browser?.close();
    await broadcaster?.close('test ended');
    for (const service of services) await service.stop();
    await coturn?.close();
    await rm(directory, { recursive: true, force: true });
  });

  /** A page whose own setting lets it use nothing but a relay. */
  async function openRelayOnlyViewer(): Promise<BrowserViewer> {
    const context = await browser.newContext();
    return BrowserViewer.openIn(context, `${ingestUrl}/embed/${stream}?relay-only`);
  }

  /** A page whose connections cannot use anything but a relay. */
  async function openRelayedViewer(): Promise<BrowserViewer> {
    const context = await browser.newContext();
    await context.addInitScript(() => {
      const Direct = globalThis.RTCPeerConnection;
      globalThis.RTCPeerConnection = class extends Direct {
        constructor(configuration?: RTCConfiguration) {
          super({ ...configuration, iceTransportPolicy: 'relay' });
        }
      };
    });
    return BrowserViewer.openIn(context, `${ingestUrl}/watch/${stream}`);
  }

  it('exchange pieces through it, and the savings say so', async () => {
    // Both pages take their viewer's token from the tracker, which asks for one everywhere.
    const viewers = [await openRelayedViewer(), await openRelayOnlyViewer()];
    await Promise.all(viewers.map((viewer) => viewer.untilPlaying(60_000)));
    await pollUntil(
      async () => {
        const stats = await Promise.all(viewers.map((viewer) => viewer.stats()));
        return stats.every(({ peerBytes, peerCount }) => peerCount > 0 && peerBytes > 50_000);
      },
      { timeoutMs: 60_000, description: 'both get media from each other', intervalMs: 500 },
    );
    const savings = await pollUntil(
      async () => {
        const response = await fetch(`${trackerUrl}/api/v1/savings?stream=${stream}`);
        const summary = await response.json();
        return summary.relayedBytes > 50_000 ? summary : null;
      },
      { timeoutMs: 30_000, description: 'the relayed bytes are reported', intervalMs: 500 },
    );
    // All that peers brought was relayed, with the messages around it: nothing is saved.
    expect(savings.relayedBytes).toBeGreaterThanOrEqual(savings.peerBytes * 0.9);
    expect(savings.savedMoney).toBeLessThan(savings.peerBytes / 1e9 / 100);
    for (const viewer of viewers) await viewer.close();
  });

  it('get credentials only with a viewer token where the tracker asks for one', async () => {
    const port = await freePort();
    const guarded = await startService({
      entry: 'tracker/main.ts',
      port,
      environment: {
        SHOAL_TRACKER_PORT: String(port),
        SHOAL_TELEMETRY_STORE: 'memory',
        SHOAL_TURN_URLS: coturn.url,
        SHOAL_TURN_SECRET: turnSecret,
        SHOAL_VIEWER_TOKEN_SECRET: viewerTokenSecret,
        SHOAL_DASHBOARD_TOKEN: 'a-token-of-the-dashboard',
      },
    });
    try {
      const url = `http://127.0.0.1:${port}/api/v1/ice-servers`;
      expect((await fetch(url)).status).toBe(401);
      expect((await fetch(`${url}?token=x`)).status).toBe(403);
      const token = await signViewerToken(viewerTokenSecret, { stream: null, lifetimeSeconds: 60 });
      const response = await fetch(`${url}?token=${token}`);
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(await response.json()).toMatchObject({ iceServers: [{ urls: [coturn.url] }] });
    } finally {
      await guarded.stop();
    }
  });
});
