// Countries and network operators from real database files: who is introduced first, figures per
// country, and no address in what is stored.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Tracker } from '@shoal/tracker';
import type { RegionSavingsList, SavingsSummary } from '@shoal/tracker/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { GeoDatabase } from '../../tracker/geography/geo-database.ts';
import { beaconWith } from '../support/beacons.ts';
import { writeGeoDatabase } from '../support/mmdb-writer.ts';
import { pollUntil } from '../support/poll-until.ts';

let directory: string;
let files: string[];

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'shoal-geo-'));
  files = ['country.mmdb', 'asn.mmdb'].map((name) => path.join(directory, name));
  const [countries = '', operators = ''] = files;
  await writeFile(
    countries,
    writeGeoDatabase({
      '198.51.0.0/16': { country: { iso_code: 'DE' } },
      '203.0.113.0/24': { country: { iso_code: 'FR' } },
      '192.0.2.0/24': { country_code: 'US', asn: 'AS64500' },
    }),
  );
  await writeFile(
    operators,
    writeGeoDatabase({
      '198.51.100.0/22': { autonomous_system_number: 64_496 },
      '198.51.200.0/24': { autonomous_system_number: 64_497 },
      '203.0.113.0/24': { autonomous_system_number: 64_496 },
    }),
  );
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

describe('a geo database', () => {
  it('says country and operator, from whichever file knows, and nothing of the unknown', async () => {
    const geo = await GeoDatabase.open(files);
    expect(geo.lookUp('198.51.101.9')).toEqual({ country: 'DE', asNumber: 64_496 });
    expect(geo.lookUp('198.51.1.1')).toEqual({ country: 'DE', asNumber: null });
    expect(geo.lookUp('192.0.2.1')).toEqual({ country: 'US', asNumber: 64_500 });
    const unknown = { country: null, asNumber: null };
    for (const address of ['8.8.8.8', '2001:db8:0:0::/64', 'unknown', '']) {
      expect(geo.lookUp(address)).toEqual(unknown);
    }
  });

  it('that is none stops the start with its name', async () => {
    const broken = path.join(directory, 'broken.mmdb');
    await writeFile(broken, 'not a database');
    for (const file of [broken, path.join(directory, 'nothing.mmdb')]) {
      await expect(Tracker.start({ port: 0, geoDatabasePaths: [file] })).rejects.toThrow(file);
    }
  });
});

describe('a tracker with geo databases', () => {
  it('introduces viewers of the same operator first, then of the same country, and some strangers', async () => {
    const tracker = await Tracker.start({
      port: 0,
      drainMs: 0,
      trustProxy: true,
      geoDatabasePaths: files,
    });
    const sockets: WebSocket[] = [];
    const offered = new Map<string, number>();
    const join = async (id: string, address: string): Promise<WebSocket> => {
      const socket = new WebSocket(tracker.webSocketUrl, {
        headers: { 'x-forwarded-for': address },
      });
      sockets.push(socket);
      await new Promise((resolve) => socket.once('open', resolve));
      socket.on('message', (data) => {
        if (String(data).includes('"offer"')) offered.set(id, (offered.get(id) ?? 0) + 1);
      });
      return socket;
    };
    const announce = (socket: WebSocket, id: string, offers: number): void =>
      socket.send(
        JSON.stringify({
          ...{ action: 'announce', info_hash: 'x'.repeat(20), peer_id: id.padEnd(20, '-') },
          numwant: offers,
          offers: Array.from({ length: offers }, (_, index) => ({
            offer_id: `${index}`,
            offer: { type: 'offer', sdp: 'x' },
          })),
        }),
      );
    try {
      // Ten of the asker's operator elsewhere, ten of its country only, forty strangers: the asker
      // gets ten, six of them near.
      const groups: readonly [string, number, (index: number) => string][] = [
        ['operator', 4, (index) => `198.51.101.${index}`],
        ['country', 10, (index) => `198.51.${10 + index}.1`],
        ['stranger', 40, (index) => `10.${index}.0.1`],
      ];
      for (const [name, count, addressOf] of groups) {
        for (let index = 0; index < count; index += 1) {
          announce(await join(`${name}-${index}`, addressOf(index)), `${name}-${index}`, 0);
        }
      }
      const asker = await join('asker', '198.51.102.9');
      await pollUntil(
        async () => {
          const text = await (await fetch(`${tracker.url}/metrics`)).text();
          return /shoal_tracker_announces_total\{event="update"\} 54/.test(text);
        },
        { timeoutMs: 5_000, description: 'everybody in the swarm' },
      );
      announce(asker, 'asker', 10);
      await pollUntil(() => [...offered.values()].reduce((sum, count) => sum + count, 0) === 10, {
        timeoutMs: 5_000,
        description: 'ten offers handed out',
      });
      const count = (name: string): number =>
        [...offered.keys()].filter((id) => id.startsWith(name)).length;
      expect(count('operator')).toBe(4);
      expect(count('country')).toBeGreaterThanOrEqual(2);
      expect(count('operator') + count('country') + count('stranger')).toBe(10);
    } finally {
      for (const socket of sockets) socket.terminate();
      await tracker.close('the test is over');
    }
  });

  it('sums up what was delivered per country, and stores no address', async () => {
    const filePath = path.join(directory, 'telemetry.sqlite');
    const tracker = await Tracker.start({
      port: 0,
      trustProxy: true,
      geoDatabasePaths: files,
      store: { kind: 'sqlite', filePath },
    });
    const addresses = ['198.51.101.77', '198.51.101.78', '203.0.113.77', '10.99.88.77'];
    for (const [index, address] of addresses.entries()) {
      const response = await fetch(`${tracker.url}/api/v1/beacons`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': address },
        body: JSON.stringify(
          beaconWith({
            session: `session-of-viewer-${index}`,
            cdnBytes: 1_000 * (index === 3 ? 10 : 1),
            peerBytes: 3_000,
            startupSeconds: 2,
          }),
        ),
      });
      expect(response.status).toBe(204);
    }
    const list = (await (
      await fetch(`${tracker.url}/api/v1/savings/regions?stream=demo&windowSeconds=300`)
    ).json()) as RegionSavingsList;
    expect(
      list.regions.map(({ region, cdnBytes, peerBytes }) => [region, cdnBytes, peerBytes]),
    ).toEqual([
      [null, 10_000, 3_000],
      ['DE', 2_000, 6_000],
      ['FR', 1_000, 3_000],
    ]);
    expect(list.regions[1]).toMatchObject({
      offloadRatio: 0.75,
      stallRatio: 0.05,
      startupSeconds: 2,
      averageViewers: 10 / 300,
    });
    const summary = await pollUntil(
      async () => {
        const response = await fetch(`${tracker.url}/api/v1/savings?stream=demo&windowSeconds=300`);
        const answer = (await response.json()) as SavingsSummary;
        return answer.distinctViewers >= 1 && answer;
      },
      { timeoutMs: 10_000, description: 'the reach of the stream' },
    );
    expect(summary.cdnBytes).toBe(13_000);
    await tracker.close('the test is over');
    const stored = (
      await Promise.all(
        ['', '-wal'].map((suffix) => readFile(`${filePath}${suffix}`, 'latin1').catch(() => '')),
      )
    ).join('');
    expect(stored).toContain('DE');
    for (const address of addresses) expect(stored).not.toContain(address);
  });
});
