// Who feeds whom from the beacons of viewers: rates, both ends of a link, bounds, forgetting.
// tracker/telemetry/pure/swarm-pictures.ts, and the meter of the player that names the neighbours.

import { parseStreamId } from '@shoal/ingest/protocol';
import { describe, expect, it } from 'vitest';
import { DeliveryMeter } from '../../../player/telemetry/delivery-meter.ts';
import { parseBeacon } from '../../../tracker/telemetry/beacon-schema.ts';
import { SwarmPictures } from '../../../tracker/telemetry/pure/swarm-pictures.ts';
import { beaconWith } from '../../support/beacons.ts';

const nowMs = 1_800_000_000_000;
const demo = parseStreamId('demo');
if (demo === null) throw new Error('demo is a stream id');

function report(peerId: string, peers: [string, number, number][], changes: object = {}) {
  return parseBeacon(
    beaconWith({
      peerId,
      peers: peers.map(([id, receivedBytes, sentBytes]) => ({ id, receivedBytes, sentBytes })),
      ...changes,
    }),
  );
}

describe('swarm pictures', () => {
  it('believe the receiver of a link, and the sender where the receiver says nothing', () => {
    const pictures = new SwarmPictures();
    pictures.note(report('aaaaaaaa', [['bbbbbbbb', 0, 90_000]]), nowMs);
    pictures.note(report('bbbbbbbb', [['aaaaaaaa', 80_000, 10_000]]), nowMs);
    const { links, viewers, viewerCount } = pictures.picture(demo, nowMs);
    expect(links).toEqual([
      { from: 'aaaaaaaa', to: 'bbbbbbbb', bitrateBps: 128_000 },
      { from: 'bbbbbbbb', to: 'aaaaaaaa', bitrateBps: 16_000 },
    ]);
    expect(viewerCount).toBe(2);
    expect(viewers[0]).toEqual({
      id: 'aaaaaaaa',
      rendition: '720p',
      cdnBitrateBps: 1_600,
      peerBitrateBps: 4_800,
      uploadBitrateBps: 800,
      peerCount: 2,
    });
  });

  it('forget viewers that ended or were silent for half a minute, with their links', () => {
    const pictures = new SwarmPictures();
    pictures.note(report('aaaaaaaa', []), nowMs - 31_000);
    pictures.note(report('bbbbbbbb', [['aaaaaaaa', 1_000, 0]]), nowMs);
    pictures.note(report('cccccccc', []), nowMs);
    pictures.note(report('cccccccc', [], { ended: true }), nowMs);
    const { links, viewers } = pictures.picture(demo, nowMs);
    expect(viewers.map(({ id }) => id)).toEqual(['bbbbbbbb']);
    expect(links).toEqual([]);
  });

  it('show the sixty who exchange most, and the links among them', () => {
    const pictures = new SwarmPictures();
    for (let index = 0; index < 100; index += 1) {
      const id = `viewer${String(index).padStart(2, '0')}`;
      const peers: [string, number, number][] = [['viewer99', 100, 0]];
      pictures.note(report(id, peers, { peerBytes: index * 1_000 }), nowMs);
    }
    const { viewers, links, viewerCount } = pictures.picture(demo, nowMs);
    expect([viewers.length, viewerCount, links.length]).toEqual([60, 100, 59]);
    expect(viewers.map(({ id }) => id)).toEqual(
      Array.from({ length: 60 }, (_, index) => `viewer${index + 40}`),
    );
  });

  it('hold no more viewers and streams than their bounds', () => {
    const pictures = new SwarmPictures();
    for (let index = 0; index < 3_000; index += 1) {
      pictures.note(report(`v${String(index).padStart(7, '0')}`, []), nowMs);
    }
    expect(pictures.picture(demo, nowMs).viewerCount).toBe(2_000);
  });
});

describe('the delivery meter', () => {
  it('names at most sixteen neighbours by the end of their ids, and each traffic once', () => {
    const meter = new DeliveryMeter();
    for (let index = 0; index < 20; index += 1) {
      const id = `-SH0101-abcdneighbr${String.fromCharCode(97 + index)}`;
      meter.onExchanged(id, index, 0);
      meter.onExchanged(id, 0, index);
    }
    meter.onExchanged('-XX0000-\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008', 1_000, 0);
    const exchanged = meter.takeExchanged();
    expect(exchanged).toHaveLength(16);
    expect(exchanged[0]).toEqual({
      id: 'neighbrt',
      receivedBytes: 19,
      sentBytes: 19,
    });
    expect(meter.takeExchanged()).toEqual([]);
  });
});
