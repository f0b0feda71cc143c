// What Prometheus learns about signalling: sockets, swarms, announces, and what was refused.
// The signalling server counts; the tracker's /metrics route reads the registry.

import { Counter, Gauge, type Registry } from 'prom-client';

export interface SignallingGauges {
  readonly socketCount: () => number;
  readonly swarmCount: () => number;
}

export class SignallingMetrics {
  readonly announces: Counter<'event'>;
  readonly messages: Counter<'result'>;
  readonly refusedSockets: Counter<'reason'>;
  readonly cutSockets: Counter<'reason'>;
  readonly warnings: Counter;

  constructor(registry: Registry, gauges: SignallingGauges) {
    const registers = [registry];
    this.announces = new Counter({
      name: 'shoal_tracker_announces_total',
      help: 'Announces that were accepted, by event.',
      labelNames: ['event'],
      registers,
    });
    this.messages = new Counter({
      name: 'shoal_tracker_messages_total',
      help: 'WebSocket messages, by result.',
      labelNames: ['result'],
      registers,
    });
    this.refusedSockets = new Counter({
      name: 'shoal_tracker_refused_sockets_total',
      help: 'WebSockets that were refused, by reason.',
      labelNames: ['reason'],
      registers,
    });
    this.cutSockets = new Counter({
      name: 'shoal_tracker_cut_sockets_total',
      help: 'WebSockets that the tracker ended: they read too slowly, did not answer, or flooded.',
      labelNames: ['reason'],
      registers,
    });
    this.warnings = new Counter({
      name: 'shoal_tracker_warnings_total',
      help: 'Announces that the protocol refused.',
      registers,
    });
    new Gauge({
      name: 'shoal_tracker_sockets',
      help: 'WebSockets of viewers now, one for each swarm that they are in.',
      registers,
      collect() {
        this.set(gauges.socketCount());
      },
    });
    new Gauge({
      name: 'shoal_tracker_swarms',
      help: 'Swarms with at least one peer.',
      registers,
      collect() {
        this.set(gauges.swarmCount());
      },
    });
  }
}
