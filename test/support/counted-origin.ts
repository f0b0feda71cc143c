// The real origin routes over broadcasts of random bytes, with every request counted: what an edge
// in front of it asks for. The tests of nginx and Varnish use it.

import { once } from 'node:events';
import type { StreamId } from '@shoal/ingest/protocol';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { createHttpServer } from '../../ingest/http-server.ts';
import { EgressMeter } from '../../ingest/origin/egress-meter.ts';
import { LiveStreams, type Presentation } from '../../ingest/origin/live-stream.ts';
import { MediaObjects } from '../../ingest/origin/media-objects.ts';
import { MemoryStore } from '../../ingest/origin/memory-store.ts';
import { registerOrigin } from '../../ingest/origin/origin-server.ts';
import { streamId } from './ingest-for-test.ts';
import { beginPresentation, listSegment } from './presentation-for-test.ts';

export class CountedOrigin {
  readonly stream: StreamId = streamId('demo');
  readonly presentation: Presentation;
  /** URL with its query → how often it was asked for. */
  readonly requests = new Map<string, number>();
  readonly #held = new Map<string, Promise<unknown>>();
  readonly #objects: MediaObjects;
  readonly #streams: LiveStreams;
  readonly #sizeBytes: number;
  readonly #segmentSeconds: number;
  #app: FastifyInstance | null = null;
  #port = 0;

  private constructor(
    streams: LiveStreams,
    objects: MediaObjects,
    presentation: Presentation,
    sizeBytes: number,
    segmentSeconds: number,
  ) {
    this.#streams = streams;
    this.#objects = objects;
    this.presentation = presentation;
    this.#sizeBytes = sizeBytes;
    this.#segmentSeconds = segmentSeconds;
  }

  /** Listens, and has `segmentCount` segments of `sizeBytes` already. */
  static async start(
    segmentCount: number,
    sizeBytes: number,
    segmentSeconds = 1,
  ): Promise<CountedOrigin> {
    const streams = new LiveStreams({ segmentSeconds, windowSeconds: 60, isRecorded: true });
    const objects = new MediaObjects(new MemoryStore());
    const presentation = await beginPresentation(streams, objects, streamId('demo'));
    const origin = new CountedOrigin(streams, objects, presentation, sizeBytes, segmentSeconds);
    for (let index = 0; index < segmentCount; index += 1) await origin.listNext();
    await origin.listen();
    return origin;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get lastNumber(): number {
    return this.presentation.lastSequenceNumber;
  }

  segmentPath(number: number): string {
    return `/live/demo/tiny/${this.presentation.recording}/${number}.m4s`;
  }

  /** One more segment; who waits for it is answered. */
  async listNext(): Promise<Buffer> {
    const number = this.lastNumber + 1;
    return listSegment(
      this.presentation,
      this.#objects,
      number,
      this.#sizeBytes,
      this.#segmentSeconds,
    );
  }

  /** Lets requests for a URL wait until the result is called. */
  hold(url: string): () => void {
    const released = new AbortController();
    this.#held.set(url, once(released.signal, 'abort'));
    return () => {
      this.#held.delete(url);
      released.abort();
    };
  }

  /** Listens, on the same port as before when it was shut. */
  async listen(): Promise<void> {
    const app = createHttpServer(pino({ level: 'silent' }));
    app.addHook('onRequest', async ({ url }) => {
      this.requests.set(url, (this.requests.get(url) ?? 0) + 1);
      await this.#held.get(url);
    });
    await registerOrigin(app, {
      ...{ streams: this.#streams, objects: this.#objects, archive: null },
      segmentSeconds: this.#segmentSeconds,
      egress: new EgressMeter(),
      publicUrl: () => 'https://cdn.example',
      integrityKey: { kty: 'OKP', crv: 'Ed25519', x: 'x' },
    });
    // As ingest has it: Varnish asks for it.
    app.get('/healthz', async () => ({ status: 'ok' }));
    const url = await app.listen({ host: '127.0.0.1', port: this.#port });
    this.#port = Number(new URL(url).port);
    this.#app = app;
  }

  /** Breaks all connections and refuses new ones, as a process does that was killed. */
  async shut(): Promise<void> {
    await this.#app?.close();
    this.#app = null;
  }
}
