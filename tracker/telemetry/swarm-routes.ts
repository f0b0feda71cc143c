// GET /api/v1/swarm: the picture of one stream's swarm. Between the HTTP server and the pictures
// that beacons make.

import type { FastifyInstance } from 'fastify';
import { TrackerError } from '../errors.ts';
import type { SwarmPictures } from './pure/swarm-pictures.ts';
import { parseSavingsQuery } from './savings-query.ts';

export function registerSwarmRoutes(server: FastifyInstance, pictures: SwarmPictures): void {
  server.get('/api/v1/swarm', async (request, reply) => {
    const { stream } = parseSavingsQuery(request.query);
    if (stream === null) throw new TrackerError('query-invalid', 'Name a stream: ?stream=demo.');
    return reply.header('cache-control', 'no-store').send(pictures.picture(stream, Date.now()));
  });
}
