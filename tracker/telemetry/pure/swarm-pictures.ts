// Who feeds whom at this moment, from the last beacon of each viewer; bounded and forgotten within
// half a minute. Pure: the beacon route notes beacons, the swarm route asks for a stream.

import type { StreamId } from '@shoal/ingest/protocol';
import {
  maxPicturedViewers,
  type PeerTraffic,
  type PicturedLink,
  type PicturedViewer,
  pictureSeconds,
  type SwarmPicture,
} from '../../protocol/index.ts';
import type { AcceptedBeacon } from './accepted-beacon.ts';

/** Viewers remembered per stream and streams at once; who comes later is not in the picture. */
const maxViewersPerStream = 2_000;
const maxStreams = 200;

/** Shorter reports would make a rate out of one segment. */
const leastIntervalMs = 1_000;

interface Report {
  readonly atMs: number;
  readonly viewer: PicturedViewer;
  readonly seconds: number;
  readonly peers: readonly PeerTraffic[];
}

export class SwarmPictures {
  readonly #streams = new Map<StreamId, Map<string, Report>>();

  /** Notes a believed beacon; viewers that do not name themselves are not in any picture. */
  note(beacon: AcceptedBeacon, nowMs: number): void {
    const { peerId, stream } = beacon;
    if (peerId === undefined) return;
    const reports = this.#reportsOf(stream, nowMs);
    if (reports === null) return;
    // Deleted first, so that the order of the map stays that of time.
    reports.delete(peerId);
    if (beacon.ended) return;
    if (reports.size >= maxViewersPerStream) forgetOld(reports, nowMs);
    if (reports.size >= maxViewersPerStream) return;
    const seconds = Math.max(leastIntervalMs, beacon.intervalMs) / 1_000;
    const peers = beacon.peers ?? [];
    reports.set(peerId, {
      atMs: nowMs,
      seconds,
      peers,
      viewer: {
        id: peerId,
        rendition: beacon.rendition,
        cdnBitrateBps: bitrate(beacon.cdnBytes, seconds),
        peerBitrateBps: bitrate(beacon.peerBytes, seconds),
        uploadBitrateBps: bitrate(beacon.uploadedBytes, seconds),
        peerCount: beacon.peerCount,
      },
    });
  }

  picture(stream: StreamId, nowMs: number): SwarmPicture {
    const reports = this.#streams.get(stream) ?? new Map<string, Report>();
    forgetOld(reports, nowMs);
    const shown = [...reports.values()]
      .sort((a, b) => exchanged(b.viewer) - exchanged(a.viewer) || byId(a.viewer, b.viewer))
      .slice(0, maxPicturedViewers);
    return {
      stream,
      viewerCount: reports.size,
      // In an order that does not change with the traffic.
      viewers: shown.map(({ viewer }) => viewer).sort(byId),
      links: linksAmong(shown),
    };
  }

  #reportsOf(stream: StreamId, nowMs: number): Map<string, Report> | null {
    const known = this.#streams.get(stream);
    if (known !== undefined) return known;
    if (this.#streams.size >= maxStreams) this.#forgetSilentStreams(nowMs);
    if (this.#streams.size >= maxStreams) return null;
    const reports = new Map<string, Report>();
    this.#streams.set(stream, reports);
    return reports;
  }

  #forgetSilentStreams(nowMs: number): void {
    for (const [stream, reports] of this.#streams) {
      forgetOld(reports, nowMs);
      if (reports.size === 0) this.#streams.delete(stream);
    }
  }
}

/** What the receiver says counts; the sender's word stands where the receiver named others. */
function linksAmong(reports: readonly Report[]): PicturedLink[] {
  const shown = new Set(reports.map(({ viewer }) => viewer.id));
  const links = new Map<string, PicturedLink>();
  const add = (from: string, to: string, bitrateBps: number, isReceiver: boolean): void => {
    const key = `${from} ${to}`;
    if (bitrateBps <= 0 || from === to || !shown.has(from) || !shown.has(to)) return;
    if (isReceiver || !links.has(key)) links.set(key, { from, to, bitrateBps });
  };
  for (const { viewer, peers, seconds } of reports) {
    for (const { id, receivedBytes, sentBytes } of peers) {
      add(id, viewer.id, bitrate(receivedBytes, seconds), true);
      add(viewer.id, id, bitrate(sentBytes, seconds), false);
    }
  }
  return [...links.values()].sort((a, b) => b.bitrateBps - a.bitrateBps);
}

function forgetOld(reports: Map<string, Report>, nowMs: number): void {
  for (const [id, { atMs }] of reports) {
    if (nowMs - atMs <= pictureSeconds * 1_000) return;
    reports.delete(id);
  }
}

function bitrate(bytes: number, seconds: number): number {
  return Math.round((bytes * 8) / seconds);
}

function exchanged(viewer: PicturedViewer): number {
  return viewer.peerBitrateBps + viewer.uploadBitrateBps;
}

function byId(a: PicturedViewer, b: PicturedViewer): number {
  return a.id < b.id ? -1 : 1;
}
