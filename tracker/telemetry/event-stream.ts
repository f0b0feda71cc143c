// GET /api/v1/events: the savings summary as server-sent events (WHATWG HTML §9.2), every two
// seconds. One timer serves all clients; it owns their responses until they leave.

import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Logger } from 'pino';
import { TrackerError } from '../errors.ts';
import type { SavingsQuery, SavingsReader } from './savings-reader.ts';

/** Unread bytes after which a client is skipped, and after which it is cut. */
const skipAboveBytes = 64 * 1024;
const cutAboveBytes = 1024 * 1024;
const retryMs = 2_000;

export interface EventStreamOptions {
  readonly reader: SavingsReader;
  readonly logger: Logger;
  readonly intervalMs: number;
  readonly maxClients: number;
  readonly onClientCount: (count: number) => void;
}

interface Client {
  readonly response: ServerResponse;
  readonly query: SavingsQuery;
}

export class EventStream {
  readonly #options: EventStreamOptions;
  readonly #clients = new Set<Client>();
  readonly #timer: NodeJS.Timeout;
  #isClosed = false;

  constructor(options: EventStreamOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      for (const client of this.#clients) void this.#send(client);
    }, options.intervalMs);
  }

  /**
   * Makes the reply a stream of events; the first follows at once.
   * @throws TrackerError `limit-reached`
   */
  async attach(reply: FastifyReply, query: SavingsQuery): Promise<void> {
    if (this.#isClosed || this.#clients.size >= this.#options.maxClients) {
      throw new TrackerError('limit-reached', 'Too many live clients; poll /api/v1/savings.');
    }
    // hijack() skips fastify's own sending, so what hooks have set (CORS) is carried over by hand.
    const headers = reply.getHeaders();
    reply.hijack();
    const response = reply.raw;
    const client: Client = { response, query };
    this.#clients.add(client);
    this.#options.onClientCount(this.#clients.size);
    response.on('error', () => response.destroy());
    response.once('close', () => {
      this.#clients.delete(client);
      this.#options.onClientCount(this.#clients.size);
    });
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined) response.setHeader(name, value);
    }
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // nginx would gather events into its buffer.
      'x-accel-buffering': 'no',
    });
    response.write(`retry: ${retryMs}\n\n`);
    await this.#send(client);
  }

  /** Ends all responses. Idempotent. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    for (const { response } of this.#clients) response.end();
    this.#clients.clear();
  }

  async #send({ response, query }: Client): Promise<void> {
    if (response.writableLength > cutAboveBytes) response.destroy();
    if (response.destroyed || response.writableLength > skipAboveBytes) return;
    let text = ': the store does not answer\n\n';
    try {
      const summary = await this.#options.reader.summary(query, Date.now());
      text = `data: ${JSON.stringify(summary)}\n\n`;
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'an event was left out');
    }
    if (!response.destroyed && !response.writableEnded) response.write(text);
  }
}
