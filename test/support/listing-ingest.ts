// An HTTP server that lists streams as ingest does, for tests of the tracker that must know what
// ingest says and has sent.

import { once } from 'node:events';
import { createServer } from 'node:http';

export interface ListingIngest {
  readonly url: string;
  /** What the origin has sent of each stream. */
  egressBytes: number;
  streams: readonly string[];
  close(): Promise<void>;
}

export async function startListingIngest(
  streams: readonly string[] = ['demo'],
): Promise<ListingIngest> {
  const ingest = { url: '', egressBytes: 9_000, streams, close: async () => {} };
  const server = createServer((_request, response) => {
    const list = ingest.streams.map((id) => ({
      id,
      state: 'live',
      originEgressBytes: ingest.egressBytes,
    }));
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ streams: list, recordings: [] }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address === 'object' && address) ingest.url = `http://127.0.0.1:${address.port}`;
  ingest.close = async () => {
    server.closeAllConnections();
    server.close();
  };
  return ingest;
}
