// One connection that posts beacons by hand-written HTTP: an HTTP client of Node's would need more
// CPU than the tracker that it measures. The telemetry benchmark opens hundreds.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { beaconWith } from '../support/beacons.ts';

const viewerCount = 10_000;

export class BeaconConnection {
  sentCount = 0;
  acknowledgedCount = 0;
  refusedCount = 0;
  readonly #socket: Socket;
  readonly #index: number;
  readonly #viewers: number;
  #isRepeating = false;

  private constructor(socket: Socket, index: number, connectionCount: number) {
    this.#socket = socket;
    this.#index = index;
    this.#viewers = Math.floor(viewerCount / connectionCount);
    socket.setEncoding('latin1');
    let rest = '';
    socket.on('data', (chunk: string) => {
      const text = rest + chunk;
      // Keeps what may be the beginning of a status line.
      rest = text.slice(text.lastIndexOf('\n') + 1);
      this.#onAnswers(text.slice(0, text.length - rest.length));
    });
    socket.on('error', () => socket.destroy());
  }

  /** @param index which of `connectionCount`: its viewers are no other connection's */
  static async open(
    port: number,
    index: number,
    connectionCount: number,
  ): Promise<BeaconConnection> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new BeaconConnection(socket, index, connectionCount);
  }

  get waitingCount(): number {
    return this.#socket.destroyed ? 0 : this.sentCount - this.acknowledgedCount - this.refusedCount;
  }

  send(): void {
    const viewer = this.#index * this.#viewers + (this.sentCount % this.#viewers);
    const body = JSON.stringify(
      beaconWith({
        session: `session-of-viewer-${String(viewer).padStart(6, '0')}`,
        sequence: Math.floor(this.sentCount / this.#viewers),
        cdnBytes: 1,
        peerBytes: 0,
      }),
    );
    this.sentCount += 1;
    this.#socket.write(
      `POST /api/v1/beacons HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
  }

  repeat(): void {
    this.#isRepeating = true;
    this.send();
  }

  stopRepeating(): void {
    this.#isRepeating = false;
  }

  close(): void {
    this.#socket.destroy();
  }

  #onAnswers(text: string): void {
    for (const [, status] of text.matchAll(/HTTP\/1\.1 (\d{3}) /g)) {
      if (status === '204') this.acknowledgedCount += 1;
      else this.refusedCount += 1;
      if (this.#isRepeating) this.send();
    }
  }
}
