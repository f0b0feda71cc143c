// Serves one test page: an empty video and a script, bundled with its libraries as a site's own
// bundler would. The tests and benchmarks in browsers open it with a query of their own.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

async function bundle(entryUrl: URL): Promise<string> {
  const output = await build({
    configFile: false,
    logLevel: 'error',
    define: {
      'process.env.NODE_ENV': '"production"',
      'process.browser': 'true',
      global: 'globalThis',
    },
    build: {
      write: false,
      lib: { entry: fileURLToPath(entryUrl), formats: ['iife'], name: 'page' },
    },
  });
  const [first] = [output].flat();
  const chunk = first && 'output' in first ? first.output[0] : undefined;
  if (!chunk) throw new Error(`${entryUrl.href} was not built`);
  return chunk.code;
}

export class PageSite {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param entryUrl the page's script */
  static async start(entryUrl: URL, host = '127.0.0.1'): Promise<PageSite> {
    const script = await bundle(entryUrl);
    const server = createServer((request, response) => {
      const isScript = request.url === '/page.js';
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
      response.end(
        isScript
          ? script
          : '<!doctype html><video muted playsinline></video><script src="/page.js"></script>',
      );
    });
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    return new PageSite(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** @param host the address of this machine as the page's browser sees it */
  url(query: Readonly<Record<string, string>>, host = '127.0.0.1'): string {
    return `http://${host}:${this.port}/?${new URLSearchParams(query)}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
