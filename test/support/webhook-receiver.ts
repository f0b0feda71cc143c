// The operator's service that webhooks go to: keeps what it was sent, checks every signature, and
// answers as a test tells it.

import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { freePort } from '../../infra/local/free-port.ts';

export interface ReceivedMessage {
  readonly id: string;
  readonly isSigned: boolean;
  readonly content: Readonly<Record<string, unknown>>;
}

export class WebhookReceiver {
  readonly secret = 'secret-of-the-webhooks';
  readonly received: ReceivedMessage[] = [];
  readonly url: string;
  /** Statuses of the next answers; 204 when it is empty. */
  readonly nextStatuses: number[] = [];
  readonly #server: Server;

  private constructor(port: number) {
    this.url = `http://127.0.0.1:${port}/hook`;
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const header = (name: string) => String(request.headers[name]);
        this.#take(Buffer.concat(chunks).toString(), header);
        response.writeHead(this.nextStatuses.shift() ?? 204).end();
      });
    });
    this.#server.listen(port, '127.0.0.1');
  }

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver(await freePort());
    await once(receiver.#server, 'listening');
    return receiver;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #take(body: string, header: (name: string) => string): void {
    const id = header('webhook-id');
    const signed = `${id}.${header('webhook-timestamp')}.${body}`;
    const expected = createHmac('sha256', this.secret).update(signed).digest('base64');
    const isSigned = header('webhook-signature') === `v1,${expected}`;
    this.received.push({ id, isSigned, content: JSON.parse(body) });
  }
}
