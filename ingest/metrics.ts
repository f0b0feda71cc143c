// What Prometheus reads from ingest. The composition root makes it; values that others keep are
// asked for at each scrape, so that nothing is counted twice.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { EgressMeter } from './origin/egress-meter.ts';
import type { LiveStreams } from './origin/live-stream.ts';

export interface MetricsOptions {
  readonly egress: EgressMeter;
  readonly streams: LiveStreams;
  /** WHIP sessions that are open now. */
  readonly sessionCount: () => number;
}

export class IngestMetrics {
  readonly registry = new Registry();
  /** From the last frame of a segment to its place in the playlist. */
  readonly segmentListing: Histogram;
  readonly droppedFrames: Counter;

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
    new Gauge({
      name: 'shoal_live_streams',
      help: 'Streams that are live now.',
      registers,
      collect() {
        this.set(options.streams.presentations.filter(({ state }) => state === 'live').length);
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

  /** Idempotent. */
  close(): void {
    this.registry.clear();
  }
}
