// What strangers may send: beacons, announces, addresses, tokens, and the names of swarms.

import { parseStreamId, type StreamId } from '@shoal/ingest/protocol';
import { swarmIdOfPlaylist } from '@shoal/tracker/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createViewerTokenVerifier,
  signViewerToken,
} from '../../../tracker/admission/viewer-token.ts';
import { TrackerError } from '../../../tracker/errors.ts';
import { networkKeyOf, shortenAddress } from '../../../tracker/signalling/address-key.ts';
import { parseSignallingMessage } from '../../../tracker/signalling/announce-schema.ts';
import { parseBeacon } from '../../../tracker/telemetry/beacon-schema.ts';
import { egressDeltas } from '../../../tracker/telemetry/origin-egress.ts';
import { beaconWith } from '../../support/beacons.ts';

const hash = 'a'.repeat(20);

describe('beacon schema', () => {
  it('takes a valid beacon and ignores fields that it does not know', () => {
    const beacon = parseBeacon({ ...beaconWith(), battery: 'full' });
    expect(beacon).toMatchObject({ cdnBytes: 1_000, stalledMs: 250, playedMs: 4_750 });
    expect(beacon).not.toHaveProperty('battery');
  });

  it.each([
    ['a negative counter', { cdnBytes: -1 }],
    ['a fraction of a byte', { peerBytes: 0.5 }],
    ['an absurd counter', { peerBytes: 1e15 }],
    ['not a number', { uploadedBytes: Number.NaN }],
    ['a short session', { session: 'short' }],
    ['a stream that is a path', { stream: '../demo' }],
    ['a rendition that is none', { rendition: 'A B' }],
    ['a negative sequence', { sequence: -1 }],
    ['a stall of a year', { stallSeconds: 31_536_000 }],
  ])('refuses %s', (_name, changes) => {
    expect(() => parseBeacon({ ...beaconWith(), ...changes })).toThrow(TrackerError);
  });

  it('refuses anything at all that is not a beacon, with a TrackerError and nothing else', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(() => parseBeacon(value)).toThrow(TrackerError);
      }),
    );
  });
});

describe('announce schema', () => {
  it('takes what WebTorrent clients send', () => {
    const offers = [{ offer: { type: 'offer', sdp: 'v=0' }, offer_id: 'x'.repeat(20) }];
    const announce = { action: 'announce', info_hash: hash, peer_id: hash, numwant: 5, offers };
    expect(parseSignallingMessage(JSON.stringify(announce)).ok).toBe(true);
    const scrape = { action: 'scrape', info_hash: [hash] };
    expect(parseSignallingMessage(JSON.stringify(scrape)).ok).toBe(true);
  });

  it.each([
    ['no JSON', '{'],
    ['null', 'null'],
    [
      'an offer that is null',
      { action: 'announce', info_hash: hash, peer_id: hash, offers: [null] },
    ],
    ['a hash of 19 bytes', { action: 'announce', info_hash: hash.slice(1), peer_id: hash }],
    ['a hash that is a number', { action: 'scrape', info_hash: 7 }],
    ['a scrape of all swarms', { action: 'scrape' }],
    ['an unknown action', { action: 'connect' }],
  ])('refuses %s', (_name, message) => {
    const text = typeof message === 'string' ? message : JSON.stringify(message);
    expect(parseSignallingMessage(text).ok).toBe(false);
  });
});

describe('addresses', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('count %s as %s', (address, key) => expect(shortenAddress(address)).toBe(key));

  it.each([
    ['192.0.2.7', '192.0.2.0/24'],
    ['2001:db8:1:2::/64', '2001:db8:1::/48'],
  ])('put %s into the network %s', (key, network) => expect(networkKeyOf(key)).toBe(network));
});

describe('viewer tokens', () => {
  const secret = 'a secret of at least 32 characters';

  it('are accepted while they are valid, for their stream', async () => {
    const verify = createViewerTokenVerifier(secret);
    const token = await signViewerToken(secret, { stream: 'demo', lifetimeSeconds: 60 });
    expect(await verify(token)).toMatchObject({
      stream: 'demo',
      address: null,
      uses: { tokenId: expect.any(String), maxSockets: 16 },
    });
  });

  it('carry the address they are bound to and how many sockets may use them', async () => {
    const verify = createViewerTokenVerifier(secret);
    const claims = { stream: null, lifetimeSeconds: 60, address: '192.0.2.7', maxSockets: 2 };
    const [one, two] = await Promise.all(
      [1, 2].map(async () => await verify(await signViewerToken(secret, claims))),
    );
    expect(one).toMatchObject({ stream: null, address: '192.0.2.7', uses: { maxSockets: 2 } });
    expect(one?.uses?.tokenId).not.toBe(two?.uses?.tokenId);
  });

  it('are refused when expired, forged, without a signature or no token', async () => {
    const verify = createViewerTokenVerifier(secret);
    const expired = await signViewerToken(secret, { stream: null, lifetimeSeconds: -60 });
    const forged = await signViewerToken(`${secret}!`, { stream: null, lifetimeSeconds: 60 });
    const encode = (value: object): string =>
      Buffer.from(JSON.stringify(value)).toString('base64url');
    const unsigned = `${encode({ alg: 'none' })}.${encode({ exp: 4e9 })}.`;
    for (const token of [expired, forged, unsigned, '', 'x', 'y'.repeat(5_000)]) {
      expect(await verify(token)).toBeNull();
    }
  });
});

describe('swarm ids', () => {
  it('are the same for viewers whose tokens differ, and differ between hosts and streams', () => {
    const id = swarmIdOfPlaylist('https://a.example/live/demo/index.m3u8?token=1');
    expect(swarmIdOfPlaylist('https://a.example/live/demo/index.m3u8?token=2#x')).toBe(id);
    expect(swarmIdOfPlaylist('https://b.example/live/demo/index.m3u8')).not.toBe(id);
    expect(swarmIdOfPlaylist('https://a.example/live/other/index.m3u8')).not.toBe(id);
  });
});

describe('origin egress', () => {
  const counters = (entries: Readonly<Record<string, number>>): Map<StreamId, number> => {
    const map = new Map<StreamId, number>();
    for (const [name, bytes] of Object.entries(entries)) {
      const stream = parseStreamId(name);
      if (stream !== null) map.set(stream, bytes);
    }
    return map;
  };

  it('counts differences, a new stream in full, and a counter that started anew in full', () => {
    const before = counters({ grew: 100, restarted: 900, same: 5 });
    const after = counters({ grew: 150, restarted: 40, same: 5, fresh: 7 });
    expect(Object.fromEntries(egressDeltas(before, after))).toEqual({
      grew: 50,
      restarted: 40,
      same: 0,
      fresh: 7,
    });
  });

  it('takes the first answer as the starting point', () => {
    expect(Object.fromEntries(egressDeltas(null, counters({ old: 5_000 })))).toEqual({ old: 0 });
  });
});
