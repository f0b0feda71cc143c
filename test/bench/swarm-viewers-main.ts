// A process full of headless viewers for the swarm benchmark, so that a large swarm has more than
// one thread. Obeys its parent (viewer-host.ts), and ends with it.

import { performance } from 'node:perf_hooks';
import { HeadlessViewer, type HeadlessViewerOptions } from '../../infra/demo/headless-viewer.ts';
import { withConditions } from './link-conditions.ts';
import { LoadWatch } from './load-watch.ts';
import { P2pMediaLoaderDelivery, tunedConfig } from './p2p-media-loader-delivery.ts';
import { withUplink } from './shaped-channels.ts';
import type { ViewerSpec } from './swarm-cases.ts';
import type { HostCommand, HostReport, ViewerReport } from './viewer-host.ts';

/** Neighbours of a viewer that vanishes notice after this time, as browsers do. */
const vanishedAfterMs = 6_000;

interface Viewer {
  readonly viewer: HeadlessViewer;
  readonly spec: ViewerSpec;
  readonly joinedAtMs: number;
  readonly stored: { readonly number: number; readonly atMs: number }[];
  readonly fetchedBytes: Record<string, number>;
  messages: number;
}

const viewers = new Map<number, Viewer>();
let load = LoadWatch.start();

function join(command: Extract<HostCommand, { kind: 'join' }>): void {
  const { spec, bitrateBps } = command;
  const viewer: Omit<Viewer, 'viewer'> = {
    spec,
    joinedAtMs: Date.now(),
    stored: [],
    fetchedBytes: {},
    messages: 0,
  };
  const uplinkBps = spec.uplink === undefined ? undefined : spec.uplink * bitrateBps;
  const options: HeadlessViewerOptions = {
    playlistUrl: command.playlistUrl,
    trackerUrl: command.trackerUrl,
    telemetry: false,
    canUpload: spec.canUpload,
    onFetch: (reason, sizeBytes) => {
      viewer.fetchedBytes[reason] = (viewer.fetchedBytes[reason] ?? 0) + sizeBytes;
    },
    onSegment: (segment) =>
      viewer.stored.push({ number: segment.mediaSequenceNumber, atMs: Date.now() }),
    ...schemeOptions(spec, uplinkBps, () => {
      viewer.messages += 1;
    }),
  };
  const started = withUplink(spec.scheme === 'Shoal' ? undefined : uplinkBps, () =>
    HeadlessViewer.start(options),
  );
  viewers.set(command.id, Object.assign(viewer, { viewer: started }));
}

function schemeOptions(
  spec: ViewerSpec,
  uplinkBps: number | undefined,
  onMessage: () => void,
): Partial<HeadlessViewerOptions> {
  switch (spec.scheme) {
    case 'p2p-media-loader, assigned':
    case 'p2p-media-loader, assigned, sliced':
      return { exchange: 'p2p-media-loader' };
    case 'p2p-media-loader, tuned':
      return { makeDelivery: (each) => new P2pMediaLoaderDelivery(each, tunedConfig) };
    case 'p2p-media-loader, defaults':
      return { makeDelivery: (each) => new P2pMediaLoaderDelivery(each, {}) };
    case 'Shoal': {
      const conditions = {
        delayMs: spec.delayMs ?? 0,
        cheat: spec.cheat === 'liar' || spec.cheat === 'freeRider' ? spec.cheat : null,
        silentEndMs: spec.vanishes === true ? vanishedAfterMs : 0,
        onMessage,
      };
      return {
        uplinkBps,
        wrapTrackerClient: (clientClass) => withConditions(clientClass, conditions),
        ...(spec.cheat === 'poisoner' ? { serve: poisoned } : {}),
      };
    }
  }
}

function poisoned(bytes: Uint8Array): Uint8Array {
  const changed = bytes.slice();
  changed[0] = (changed[0] ?? 0) ^ 1;
  return changed;
}

function reportOf(id: number, each: Viewer): ViewerReport {
  const { stats } = each.viewer;
  return {
    id,
    isCheat: each.spec.cheat !== undefined,
    canUpload: each.spec.canUpload !== false,
    joinedAtMs: each.joinedAtMs,
    cdnBytes: stats.cdnBytes,
    uploadedBytes: stats.uploadedBytes,
    discardedBytes: stats.discardedBytes,
    stallSeconds: stats.stallSeconds,
    startupSeconds: stats.startupSeconds,
    latencySeconds: stats.liveLatencySeconds,
    peerCount: stats.peerCount,
    messages: each.messages,
    fetchedBytes: { ...each.fetchedBytes },
    stored: each.stored.splice(0),
  };
}

function report(): HostReport {
  const busy = load.stop();
  load = LoadWatch.start();
  return { viewers: [...viewers].map(([id, each]) => reportOf(id, each)), load: busy };
}

process.on('message', (command: HostCommand) => {
  if (command.kind === 'join') join(command);
  else if (command.kind === 'report') process.send?.(report());
  else {
    const leaving = viewers.get(command.id);
    viewers.delete(command.id);
    if (leaving) process.send?.({ left: reportOf(command.id, leaving) });
    void leaving?.viewer.close();
  }
});
process.on('disconnect', () => process.exit(0));
// Faults of one viewer's connection are its own; the figures show what they cost.
process.on('uncaughtException', (error) => console.error(performance.now(), error));
