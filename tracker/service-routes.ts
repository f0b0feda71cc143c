// Health for machines and for people: probes, Prometheus metrics, and the summary that the dashboard
// shows. The tracker registers them; they ask signalling and telemetry.

import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import type { HealthSummary } from './protocol/index.ts';
import type { SignallingServer } from './signalling/signalling-server.ts';
import type { Telemetry } from './telemetry/telemetry.ts';

export interface ServiceRouteOptions {
  readonly telemetry: Telemetry;
  readonly signalling: SignallingServer;
  readonly registry: Registry;
}

export function registerServiceRoutes(server: FastifyInstance, options: ServiceRouteOptions): void {
  const { telemetry, signalling, registry } = options;
  const isReady = (): boolean => telemetry.isReady && !signalling.isClosing;
  server.get('/healthz', async (_request, reply) => reply.type('text/plain').send('ok\n'));
  server.get('/readyz', async (_request, reply) =>
    isReady()
      ? reply.type('text/plain').send('ready\n')
      : reply
          .code(503)
          .type('text/plain')
          .send('the tracker stops, or its telemetry store does not answer\n'),
  );
  server.get('/metrics', async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
  server.get('/api/v1/health', async (_request, reply) => {
    const { ingest, ...ofTelemetry } = telemetry.health;
    const summary: HealthSummary = {
      at: new Date().toISOString(),
      tracker: {
        isReady: isReady(),
        uptimeSeconds: Math.round(process.uptime()),
        sockets: signalling.socketCount,
        swarms: signalling.swarmCount,
        refusedSockets: signalling.refusedCount,
        ...ofTelemetry,
      },
      ingest,
    };
    return reply.header('cache-control', 'no-store').send(summary);
  });
}
