// Who may deliver to a viewer, in Chromium: the quality guard, the hold-out, relays alone, forged
// signatures and piece roots, viewer tokens, several CDNs and steering, the operator's kill switch.

import type { GuardLevel, ShoalSession } from '@shoal/player';
import { signViewerToken, Tracker } from '@shoal/tracker';
import type { SavingsSummary } from '@shoal/tracker/protocol';
import { decodeJwt } from 'jose';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { forgeryMark, segmentSeconds } from '../support/faulty-live-site.ts';
import { FaultyStage } from '../support/faulty-stage.ts';
import type { FaultyViewer } from '../support/faulty-viewers.ts';
import { pollUntil } from '../support/poll-until.ts';
import { TcpGate } from '../support/tcp-gate.ts';

/** Long enough for peers to have brought something if they could. */
const faultSegments = Math.ceil(6 / segmentSeconds);
/** Two players of one machine never wait for exactly the same time. */
const toleranceSeconds = 1;
/** The guard has a say of its own, and on a busy machine keeps peers off for a while. */
const qualityGuard = false;

vi.setConfig({ maxConcurrency: 4 });

let stage: FaultyStage;

beforeAll(async () => {
  stage = await FaultyStage.start();
});

afterAll(async () => {
  await stage?.close();
});

function peerStatusOf({ page }: FaultyViewer): Promise<ShoalSession['peerStatus']> {
  return page.evaluate(() => window.shoalSession().peerStatus);
}

async function expectNothingFromPeers(viewer: FaultyViewer): Promise<void> {
  await stage.untilPublished(faultSegments);
  await viewer.untilPlayed(4, 30_000);
  const { peerBytes, cdnBytes, problems } = await viewer.watched();
  expect(peerBytes).toBe(0);
  expect(cdnBytes).toBeGreaterThan(0);
  expect(problems).toEqual([]);
}

describe.concurrent('a pinned key', () => {
  it('lets peers deliver what is signed with it', async () => {
    const shoal = { integrityKey: stage.site.integrityKey, qualityGuard };
    await stage.withPage('signed', { neighbours: 2, shoal }, (viewer) =>
      stage.untilPeersDeliver(viewer, 2),
    );
  });

  it('does so on a page without WebCrypto too, with the file beside the script', async () => {
    const shoal = { integrityKey: stage.site.integrityKey, qualityGuard };
    const page = {
      siteUrl: stage.insecureSiteUrl,
      source: stage.site.playlistUrl('plain-http'),
    };
    await stage.withPage('plain-http', { neighbours: 2, shoal, ...page }, async (viewer) => {
      expect(await viewer.page.evaluate(() => globalThis.isSecureContext)).toBe(false);
      await stage.untilPeersDeliver(viewer, 2);
      expect(stage.site.scripts).toContain('shoal-verify.js');
    });
  });

  it('takes nothing from peers that another key has signed, and plays', async () => {
    const shoal = { integrityKey: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', qualityGuard };
    await stage.withPage('unsigned', { neighbours: 2, shoal }, expectNothingFromPeers);
  });

  it('takes nothing from peers whose signature is that of another broadcast, and plays', async () => {
    stage.site.faults('replayed').lie = 'replayed-signature';
    const shoal = { integrityKey: stage.site.integrityKey, qualityGuard };
    await stage.withPage('replayed', { neighbours: 2, shoal }, expectNothingFromPeers);
  });

  it('plays nothing of a segment whose pieces are forged under a true signature', async () => {
    stage.site.faults('forged').lie = 'forged-pieces';
    const shoal = { integrityKey: stage.site.integrityKey, qualityGuard };
    await stage.withPage('forged', { neighbours: 2, shoal, mark: forgeryMark }, async (viewer) => {
      await pollUntil(async () => (await viewer.watched()).discardedBytes > 0, {
        timeoutMs: 60_000,
        description: 'forged pieces came and were thrown away',
        intervalMs: 250,
      });
      await viewer.untilPlayed(6, 60_000);
      const { marked, appended } = await viewer.page.evaluate(() => window.appendedMedia());
      expect(appended).toBeGreaterThan(4);
      expect(marked).toBe(0);
      expect((await viewer.watched()).peerBytes).toBe(0);
    });
  });
});

describe.concurrent('a viewer who is kept out of the swarm', () => {
  it('is held out by chance alone, plays, and is reported as such', async () => {
    const shoal = { p2pShare: 0, telemetry: stage.tracker.url };
    await stage.withPage('held-out', { neighbours: 1, shoal }, async (viewer) => {
      await expectNothingFromPeers(viewer);
      expect(await peerStatusOf(viewer)).toMatchObject({ isOn: false, offBecause: 'held-out' });
      expect((await viewer.watched()).openConnections).toBe(0);
      const summary = await pollUntil(
        async () => {
          const response = await fetch(`${stage.tracker.url}/api/v1/savings?stream=held-out`, {
            headers: { authorization: `Bearer ${stage.operatorToken}` },
          });
          const savings = (await response.json()) as SavingsSummary;
          return savings.qualityHeldOut.playedSeconds > 5 ? savings : null;
        },
        { timeoutMs: 20_000, description: 'the tracker hears of it', intervalMs: 250 },
      );
      expect(summary.qualityWithPeers.playedSeconds).toBe(0);
      expect(summary.qualityHeldOut.playedSeconds).toBe(summary.qualityWithoutPeers.playedSeconds);
      expect(summary.qualityHeldOut.bitrateBps).toBeGreaterThan(0);
    });
  });

  it('shows its address to nobody where it may use relays alone and there is none', async () => {
    const shoal = { relayOnly: true, iceServers: [], qualityGuard };
    const sent: string[] = [];
    await stage.withPage('relay-only', { neighbours: 1, shoal, opens: 'later' }, async (viewer) => {
      viewer.page.on('websocket', (socket) =>
        socket.on('framesent', ({ payload }) => sent.push(String(payload))),
      );
      await viewer.page.evaluate(() => window.openSource());
      await viewer.untilPlaying();
      await pollUntil(() => sent.some((message) => message.includes('"offers":[{')), {
        timeoutMs: 30_000,
        description: 'it makes offers',
        intervalMs: 250,
      });
      await expectNothingFromPeers(viewer);
      // An offer without a candidate: nowhere to be reached but through a relay.
      expect(sent.filter((message) => message.includes('a=candidate'))).toEqual([]);
    });
  });

  it('meets nobody in a swarm that is smaller than it asks for', async () => {
    const shoal = { minViewers: 3, qualityGuard };
    await stage.withPage('gated', { neighbours: 1, shoal }, async (viewer) => {
      await stage.untilPublished(3);
      expect((await viewer.watched()).peerCount).toBe(0);
      const late = stage.headlessPeers('gated', 1);
      try {
        await stage.untilPeersDeliver(viewer, 1);
      } finally {
        await Promise.all(late.map((peer) => peer.close()));
      }
    });
  });
});

describe.concurrent('the quality guard', () => {
  it('turns slow peers down and off when the picture stands still, and asks them again later', async () => {
    const slow = { neighbours: 2, neighbour: { uplinkBps: 50_000 } };
    await stage.withPage('guarded-quality', slow, async (viewer) => {
      const { page } = viewer;
      const untilGuard = (level: GuardLevel): Promise<unknown> =>
        pollUntil(async () => (await peerStatusOf(viewer)).guard.level === level, {
          timeoutMs: 60_000,
          description: `the guard is at ${level}`,
          intervalMs: 100,
        });
      await stage.untilPeersDeliver(viewer, 2, 0);
      // Faster than a broadcast can be played: whoever is blamed, the picture stands still.
      await page.evaluate(() => window.setPlaybackRate(4));
      await untilGuard('off');
      await page.evaluate(() => window.setPlaybackRate(1));
      await pollUntil(async () => (await viewer.watched()).openConnections === 0, {
        timeoutMs: 10_000,
        description: 'the viewer has left the swarm',
        intervalMs: 100,
      });
      expect(await peerStatusOf(viewer)).toMatchObject({ isOn: false, offBecause: 'guard' });
      await viewer.untilPlayed(4, 30_000);
      await page.evaluate(() => window.passTime(40_000));
      await untilGuard('careful');
      const changes = await page.evaluate(() => window.guardChanges);
      expect(changes.slice(0, 3).map(({ level }) => level)).toEqual(['careful', 'off', 'careful']);
      expect(changes[0]?.reason).toContain('stall');
      expect(changes[1]?.reason).toContain('stall');
      expect((await viewer.watched()).problems).toEqual([]);
    });
  });
});

describe.concurrent('several CDNs', () => {
  it('are gone through when one dies', async () => {
    const gate = await TcpGate.start(stage.site.url);
    const shoal = { cdnBaseUrls: [{ url: gate.url }, { url: stage.site.url, weight: 0 }] };
    await stage.withPage('failover', { shoal }, async (viewer) => {
      await viewer.page.evaluate(() => window.resetWatch());
      await gate.shut();
      await stage.untilPublished(faultSegments);
      await viewer.untilPlayed(4, 30_000);
      const { starvedSeconds, problems } = await viewer.watched();
      expect(starvedSeconds).toBeLessThan(toleranceSeconds);
      expect(problems).toEqual([]);
    });
  });

  it('are used as a steering manifest ranks them, then the next one when the best dies', async () => {
    const gates = [await TcpGate.start(stage.site.url), await TcpGate.start(stage.site.url)];
    const [first, best] = gates.map(({ url }) => url);
    const pathways = { first: first ?? '', best: best ?? '' };
    stage.site.steer('steered', { pathways, priority: ['best', 'first'] });
    await stage.withPage('steered', { neighbours: 1 }, async (viewer) => {
      const media: string[] = [];
      viewer.page.on('request', (request) => {
        if (request.url().endsWith('.m4s')) media.push(new URL(request.url()).origin);
      });
      const untilFrom = (origin: string | undefined): Promise<unknown> =>
        pollUntil(() => media.at(-1) === origin, {
          timeoutMs: 30_000,
          description: `media comes from ${origin}`,
          intervalMs: 100,
        });
      await untilFrom(best);
      await viewer.page.evaluate(() => window.resetWatch());
      await gates[1]?.shut();
      await untilFrom(first);
      await viewer.untilPlayed(6, 60_000);
      expect((await viewer.watched()).problems).toEqual([]);
    });
    for (const gate of gates) await gate.shut();
  });
});

describe.concurrent('a tracker that asks for viewer tokens', () => {
  const secret = 'a-viewer-token-secret-of-32-characters';
  let guarded: Tracker;

  beforeAll(async () => {
    guarded = await Tracker.start({
      host: '127.0.0.1',
      port: 0,
      store: { kind: 'memory' },
      logger: pino({ level: 'silent' }),
      dashboardToken: stage.operatorToken,
      viewerTokenSecret: secret,
      isTokenEndpointOpen: true,
    });
  });

  afterAll(() => guarded?.close('test ended'));

  it('keeps a viewer whose token is renewed, and sends one without to the CDN', async () => {
    const stream = 'guarded';
    const sign = (lifetimeSeconds: number): Promise<string> =>
      signViewerToken(secret, { stream, lifetimeSeconds });
    const trackerUrl = guarded.webSocketUrl;
    const friend = async () => ({ trackerUrl: `${trackerUrl}/?token=${await sign(600)}` });
    const first = await sign(4);
    const tokenUrl = `${guarded.url}/api/v1/viewer-token?stream=${stream}`;
    const shoal = { token: first, tokenUrl, telemetry: guarded.url, qualityGuard };
    const page = { neighbours: 1, neighbour: await friend(), trackerUrl, shoal };
    await stage.withPage(stream, page, async (viewer) => {
      const beacons = new Set<string | null>();
      viewer.page.on('response', (response) => {
        const { pathname, searchParams } = new URL(response.url());
        if (pathname.endsWith('/beacons') && response.ok()) beacons.add(searchParams.get('token'));
      });
      await stage.untilPeersDeliver(viewer, 1);
      await pollUntil(() => [...beacons].some((token) => token !== first), {
        timeoutMs: 30_000,
        description: 'a beacon is taken with a new token',
        intervalMs: 250,
      });
      // As if it had expired: its sockets end, and nobody gets in with it any more.
      const revoked = await fetch(`${guarded.url}/api/v1/revocations`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          authorization: `Bearer ${stage.operatorToken}`,
        },
        // By its name: on a slow machine it may have expired already.
        body: JSON.stringify({ tokenId: decodeJwt(first).jti }),
      });
      expect(revoked.status).toBe(204);
      const late = stage.headlessPeers(stream, 2, await friend());
      try {
        await stage.untilPeersDeliver(viewer, 3);
        await stage.withPage(
          stream,
          { trackerUrl, shoal: { token: first, qualityGuard } },
          expectNothingFromPeers,
        );
        expect((await viewer.watched()).problems).toEqual([]);
      } finally {
        await Promise.all(late.map((peer) => peer.close()));
      }
    });
  });
});

describe('the operator’s kill switch', () => {
  const setPeers = (p2p: boolean): Promise<Response> =>
    fetch(`${stage.tracker.url}/api/v1/player-config`, {
      method: 'PUT',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${stage.operatorToken}`,
      },
      body: JSON.stringify({ p2p }),
    });

  it('empties the swarm of players within 10 s, and fills it again', async () => {
    const shoal = { qualityGuard };
    await stage.withPage('killed', { neighbours: 2, shoal }, async (viewer) => {
      await stage.untilPeersDeliver(viewer, 2);
      expect((await setPeers(false)).status).toBe(200);
      try {
        await pollUntil(async () => (await viewer.watched()).openConnections === 0, {
          timeoutMs: 10_000,
          description: 'the player has left',
          intervalMs: 100,
        });
      } finally {
        await setPeers(true);
      }
      await stage.untilPeersDeliver(viewer, 2);
      expect((await viewer.watched()).problems).toEqual([]);
    });
  });
});
