// GET /api/v1/savings, its CSV, billing periods, list of streams and live events. Between the HTTP server and the
// savings reader.

import type { FastifyInstance } from 'fastify';
import type { EventStream } from './event-stream.ts';
import { savingsCsv } from './pure/savings-csv.ts';
import { parseSavingsQuery } from './savings-query.ts';
import type { SavingsReader } from './savings-reader.ts';

export interface SavingsRouteOptions {
  readonly reader: SavingsReader;
  readonly events: EventStream;
}

export function registerSavingsRoutes(server: FastifyInstance, options: SavingsRouteOptions): void {
  const { reader, events } = options;
  server.get('/api/v1/savings', async (request, reply) => {
    const query = parseSavingsQuery(request.query);
    const summary = await reader.summary(query, Date.now());
    return reply.header('cache-control', 'no-store').send(summary);
  });
  server.get('/api/v1/savings/periods', async (request, reply) => {
    const { stream } = parseSavingsQuery(request.query);
    const periods = await reader.periods(stream, Date.now());
    return reply.header('cache-control', 'no-store').send(periods);
  });
  server.get('/api/v1/savings.csv', async (request, reply) => {
    const query = parseSavingsQuery(request.query);
    const summary = await reader.summary(query, Date.now());
    const name = `savings-${query.stream ?? 'all-streams'}-${query.windowSeconds}s.csv`;
    return reply
      .header('cache-control', 'no-store')
      .header('content-disposition', `attachment; filename="${name}"`)
      .type('text/csv; charset=utf-8')
      .send(savingsCsv(summary));
  });
  server.get('/api/v1/savings/streams', async (request, reply) => {
    const { windowSeconds } = parseSavingsQuery(request.query);
    const list = await reader.streams(windowSeconds, Date.now());
    return reply.header('cache-control', 'no-store').send(list);
  });
  server.get('/api/v1/savings/regions', async (request, reply) => {
    const list = await reader.regions(parseSavingsQuery(request.query), Date.now());
    return reply.header('cache-control', 'no-store').send(list);
  });
  // No HEAD: it would be a stream without an end and without a body.
  server.get('/api/v1/events', { exposeHeadRoute: false }, async (request, reply) => {
    await events.attach(reply, parseSavingsQuery(request.query));
  });
}
