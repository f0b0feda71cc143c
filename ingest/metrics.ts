// What Prometheus reads from ingest. The composition root makes it; values that others keep are
// asked for at each scrape, so that nothing is counted twice.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { EgressMeter } from './origin/egress-meter.ts';
import type { LiveStreams } from './origin/live-stream.ts';
import type { SpoolStatistics } from './origin/spooled-store.ts';
import type { WebhookStatistics } from './webhooks/webhook-sender.ts';

export interface MetricsOptions {
  readonly egress: EgressMeter;
  readonly streams: LiveStreams;
  /** `null` when the origin's store is on this machine. */
  /** `null` when nobody is told. */
  readonly webhooks: { readonly statistics: WebhookStatistics } | null;
  readonly spool: { readonly statistics: SpoolStatistics } | null;
  /** WHIP sessions that are open now. */
  readonly sessionCount: () => number;
}

export class IngestMetrics {
  readonly registry = new Registry();
  /** From the last frame of a segment to its place in the playlist. */
  readonly segmentListing: Histogram;
  readonly droppedFrames: Counter;
  readonly encoderRestarts: Counter;
  readonly shedRenditions: Counter;
  readonly reconnects: Counter;

  constructor(options: MetricsOptions) {
    const registers = [this.registry];
    collectDefaultMetrics({ register: this.registry });
    this.segmentListing = new Histogram({
      name: 'shoal_segment_listing_seconds',
      help: 'Time from the capture of a segment’s last frame to its listing.',
      buckets: [0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5],
      registers,
    });
    this.droppedFrames = new Counter({
      name: 'shoal_transcoder_dropped_frames_total',
      help: 'Frames that did not reach the encoder.',
      registers,
    });
    this.encoderRestarts = new Counter({
      name: 'shoal_transcoder_restarts_total',
      help: 'Times that the encoder died within a broadcast and was started again.',
      registers,
    });
    this.shedRenditions = new Counter({
      name: 'shoal_transcoder_shed_renditions_total',
      help: 'Renditions that ended because the encoder stayed behind real time.',
      registers,
    });
    this.reconnects = new Counter({
      name: 'shoal_broadcast_reconnects_total',
      help: 'Publishers that vanished and came back to their broadcast.',
      registers,
    });
    new Counter({
      name: 'shoal_origin_egress_bytes_total',
      help: 'Bytes of segments and init sections that the origin has sent.',
      labelNames: ['stream'],
      registers,
      collect() {
        this.reset();
        for (const [stream, bytes] of options.egress.totals) this.inc({ stream }, bytes);
      },
    });
    if (options.webhooks !== null) this.#registerWebhooks(options.webhooks);
    if (options.spool !== null) this.#registerSpool(options.spool);
    new Gauge({
      name: 'shoal_live_streams',
      help: 'Streams that are live now.',
      registers,
      collect() {
        this.set(options.streams.presentations.filter(({ state }) => state === 'live').length);
      },
    });
    new Gauge({
      name: 'shoal_reconnecting_streams',
      help: 'Streams whose publisher has vanished and may come back.',
      registers,
      collect() {
        const isWaiting = ({ state }: { state: string }) => state === 'reconnecting';
        this.set(options.streams.presentations.filter(isWaiting).length);
      },
    });
    new Gauge({
      name: 'shoal_whip_sessions',
      help: 'WHIP sessions that are open now.',
      registers,
      collect() {
        this.set(options.sessionCount());
      },
    });
  }

  #registerWebhooks(webhooks: { readonly statistics: WebhookStatistics }): void {
    new Counter({
      name: 'shoal_webhooks_total',
      help: 'Webhooks by whether their receiver took them.',
      labelNames: ['outcome'],
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc({ outcome: 'delivered' }, webhooks.statistics.deliveredCount);
        this.inc({ outcome: 'lost' }, webhooks.statistics.lostCount);
      },
    });
  }

  /** What waits for the remote store, and how its uploads go. */
  #registerSpool(spool: { readonly statistics: SpoolStatistics }): void {
    const registers = [this.registry];
    const gauges = {
      shoal_origin_pending_objects: [
        'Objects that wait for the remote store.',
        ({ pendingCount }: SpoolStatistics) => pendingCount,
      ],
      shoal_origin_pending_bytes: [
        'Bytes that wait for the remote store.',
        ({ pendingBytes }: SpoolStatistics) => pendingBytes,
      ],
      shoal_origin_store_reachable: [
        'Whether the last upload to the remote store succeeded.',
        ({ isReachable }: SpoolStatistics) => Number(isReachable),
      ],
    } as const;
    for (const [name, [help, read]] of Object.entries(gauges)) {
      new Gauge({
        ...{ name, help, registers },
        collect() {
          this.set(read(spool.statistics));
        },
      });
    }
    const counters = {
      shoal_origin_uploads_total: [
        'Objects that reached the remote store.',
        ({ uploadedCount }: SpoolStatistics) => uploadedCount,
      ],
      shoal_origin_upload_failures_total: [
        'Uploads to the remote store that failed and were tried again.',
        ({ failedTries }: SpoolStatistics) => failedTries,
      ],
      shoal_origin_refused_objects_total: [
        'Objects that were refused because too many bytes waited for the remote store.',
        ({ refusedCount }: SpoolStatistics) => refusedCount,
      ],
    } as const;
    for (const [name, [help, read]] of Object.entries(counters)) {
      new Counter({
        ...{ name, help, registers },
        collect() {
          this.reset();
          this.inc(read(spool.statistics));
        },
      });
    }
  }

  /** Idempotent. */
  close(): void {
    this.registry.clear();
  }
}
