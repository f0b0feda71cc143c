// Hundreds of HLS clients in one process, each with a connection of its own: they wait for the next
// segment by blocking reload, as Shoal's players do, or poll, and fetch every segment.

import { Agent, request } from 'node:http';

export interface ClientAnswer {
  readonly status: number;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export class HttpClient {
  readonly #base: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(base: string) {
    this.#base = base;
  }

  get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<ClientAnswer> {
    return new Promise((resolve, reject) => {
      const outgoing = request(`${this.#base}${path}`, { agent: this.#agent, headers });
      outgoing.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(chunks),
            headers: response.headers,
          }),
        );
      });
      outgoing.on('error', reject);
      outgoing.end();
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** So many clients; they are closed together. */
export function manyClients(base: string, count: number): readonly HttpClient[] {
  return Array.from({ length: count }, () => new HttpClient(base));
}
