// Ingest or tracker as a process of its own, configured by the environment as containers run it:
// for the production-like set, and for end-to-end tests, which may kill it.

import { fileURLToPath } from 'node:url';
import { ChildServer } from './child-server.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface ServiceProcessOptions {
  readonly entry: 'ingest/main.ts' | 'tracker/main.ts';
  readonly port: number;
  readonly environment: Readonly<Record<string, string>>;
}

/** Resolves when it listens. @throws ChildServerError with what the service said */
export function startService(options: ServiceProcessOptions): Promise<ChildServer> {
  return ChildServer.start({
    command: process.execPath,
    arguments: ['--import', 'tsx', options.entry],
    directory: root,
    environment: options.environment,
    ports: [options.port],
  });
}
