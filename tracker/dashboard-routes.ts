// Serves the built dashboard at `/`, without any request to another host. vite builds it from
// dashboard/ (vite.config.ts); without a build the page says how to make one.

import { existsSync } from 'node:fs';
import path from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { TrackerError } from './errors.ts';

/** Only the page's own files; uPlot and preact set styles by script, not by attribute. */
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'";

/** Names of files under `assets/` hold a hash of their content, so they never change. */
const forEver = 'public, max-age=31536000, immutable';

export async function registerDashboard(server: FastifyInstance, directory: string): Promise<void> {
  if (!existsSync(path.join(directory, 'index.html'))) {
    server.get('/', () => {
      throw new TrackerError('dashboard-not-built', 'Run `npm run build`, then start again.');
    });
    return;
  }
  await server.register(fastifyStatic, {
    root: directory,
    // Or it overwrites the header below with max-age=0.
    cacheControl: false,
    setHeaders(response, filePath) {
      const isAsset = filePath.includes(`${path.sep}assets${path.sep}`);
      response.setHeader('cache-control', isAsset ? forEver : 'no-cache');
      response.setHeader('content-security-policy', contentSecurityPolicy);
      response.setHeader('x-content-type-options', 'nosniff');
      response.setHeader('referrer-policy', 'no-referrer');
    },
  });
}
