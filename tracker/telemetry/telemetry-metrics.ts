// What Prometheus learns about delivery: bytes by source, beacons by result, viewers by stream.
// The telemetry routes count; the tracker's /metrics route reads the registry.

import { Counter, Gauge, type Registry } from 'prom-client';
import type { AcceptedBeacon } from './pure/accepted-beacon.ts';
import type { BeaconVerdict } from './pure/rollup.ts';
import type { SessionTable } from './pure/session-table.ts';

/** Streams with a label of their own; strangers choose the names, so the number must end. */
const maxStreamLabels = 200;

export class TelemetryMetrics {
  readonly beacons: Counter<'result'>;
  readonly eventClients: Gauge;
  readonly #deliveryBytes: Counter<'source' | 'stream'>;
  readonly #lateBytes: Counter<'stream'>;
  readonly #troubles: Counter<'kind' | 'stream'>;
  readonly #guarded: Counter<'level'>;
  readonly #streamLabels = new Set<string>();
  #countedBeacons = 0;
  #refusedBeacons = 0;

  constructor(registry: Registry, sessions: SessionTable) {
    const registers = [registry];
    this.beacons = new Counter({
      name: 'shoal_beacons_total',
      help: 'Delivery beacons, by result.',
      labelNames: ['result'],
      registers,
    });
    this.#deliveryBytes = new Counter({
      name: 'shoal_delivery_bytes_total',
      help: 'Media bytes that reached players, by source.',
      labelNames: ['source', 'stream'],
      registers,
    });
    this.#lateBytes = new Counter({
      name: 'shoal_late_bytes_total',
      help: 'Media bytes that peers owed and players fetched from the CDN at the last moment.',
      labelNames: ['stream'],
      registers,
    });
    this.#troubles = new Counter({
      name: 'shoal_player_errors_total',
      help: 'Errors that players met: their own, and requests that the CDN failed.',
      labelNames: ['kind', 'stream'],
      registers,
    });
    this.#guarded = new Counter({
      name: 'shoal_guard_beacons_total',
      help: 'Beacons by how far the quality guard of their player let peers deliver.',
      labelNames: ['level'],
      registers,
    });
    this.eventClients = new Gauge({
      name: 'shoal_event_stream_clients',
      help: 'Clients of the live savings events.',
      registers,
    });
    const labelOf = (stream: string): string => this.#labelOf(stream);
    new Gauge({
      name: 'shoal_viewers',
      help: 'Viewers with a beacon in the last 15 s.',
      labelNames: ['stream'],
      registers,
      collect() {
        this.reset();
        for (const [stream, { viewers }] of sessions.audiences(Date.now())) {
          this.inc({ stream: labelOf(stream) }, viewers);
        }
      },
    });
    new Gauge({
      name: 'shoal_telemetry_sessions',
      help: 'Page views remembered so that repeated beacons count once.',
      registers,
      collect() {
        this.set(sessions.size);
      },
    });
  }

  /** Beacons since the start. */
  get beaconCounts(): { readonly counted: number; readonly refused: number } {
    return { counted: this.#countedBeacons, refused: this.#refusedBeacons };
  }

  /** Notes that a beacon was not taken and will come again. */
  refuseBeacon(): void {
    this.#refusedBeacons += 1;
    this.beacons.inc({ result: 'refused' });
  }

  countBeacon(beacon: AcceptedBeacon, verdict: BeaconVerdict): void {
    this.beacons.inc({ result: verdict === 'new' ? 'counted' : verdict });
    if (verdict !== 'new') return;
    this.#countedBeacons += 1;
    const stream = this.#labelOf(beacon.stream);
    this.#deliveryBytes.inc({ source: 'cdn', stream }, beacon.cdnBytes);
    this.#deliveryBytes.inc({ source: 'peer', stream }, beacon.peerBytes);
    this.#lateBytes.inc({ stream }, beacon.lateBytes ?? 0);
    this.#troubles.inc({ kind: 'player', stream }, beacon.errorCount ?? 0);
    this.#troubles.inc({ kind: 'cdn', stream }, beacon.cdnTroubleCount ?? 0);
    this.#guarded.inc({ level: beacon.guard ?? 'full' });
  }

  #labelOf(stream: string): string {
    if (this.#streamLabels.has(stream)) return stream;
    // `:` is in no stream id, so this label cannot be one.
    if (this.#streamLabels.size >= maxStreamLabels) return ':other';
    this.#streamLabels.add(stream);
    return stream;
  }
}
