// A viewer that speaks the WebTorrent announce protocol by hand over a real WebSocket, so that
// tests see every message. It brings no WebRTC: offers and answers are texts.

import WebSocket from 'ws';
import { pollUntil } from './poll-until.ts';

/** A message of the tracker; which fields it has depends on what it is. */
export interface TrackerMessage {
  readonly action?: string;
  readonly info_hash?: string;
  readonly peer_id?: string;
  readonly offer_id?: string;
  readonly interval?: number;
  readonly complete?: number;
  readonly incomplete?: number;
  readonly offer?: { readonly sdp: string };
  readonly answer?: { readonly sdp: string };
  readonly 'failure reason'?: string;
  readonly files?: Readonly<Record<string, { readonly incomplete: number }>>;
}

export class AnnouncingViewer {
  readonly peerId: string;
  readonly messages: TrackerMessage[] = [];
  readonly socket: WebSocket;
  closeCode: number | null = null;

  private constructor(socket: WebSocket, peerId: string) {
    this.socket = socket;
    this.peerId = peerId.padEnd(20, '-');
    socket.on('message', (data) => {
      this.messages.push(JSON.parse(String(data)) as TrackerMessage);
    });
    socket.on('close', (code) => {
      this.closeCode = code;
    });
    socket.on('error', () => {});
  }

  /** Connects; rejects with the HTTP status when the tracker refuses the socket. */
  static async connect(url: string, peerId: string): Promise<AnnouncingViewer> {
    const socket = new WebSocket(url);
    const viewer = new AnnouncingViewer(socket, peerId);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', () => resolve());
      socket.once('unexpected-response', (_request, response) => {
        reject(new Error(`HTTP ${response.statusCode}`));
        socket.terminate();
      });
      socket.once('error', reject);
    });
    return viewer;
  }

  send(message: object | string): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  announce(infoHash: string, fields: object = {}): void {
    this.send({ action: 'announce', info_hash: infoHash, peer_id: this.peerId, ...fields });
  }

  /** Waits for the first message that matches. */
  async receive(
    matches: (message: TrackerMessage) => boolean,
    description: string,
  ): Promise<TrackerMessage> {
    return await pollUntil(() => this.messages.find(matches), {
      timeoutMs: 10_000,
      intervalMs: 10,
      description,
    });
  }
}
