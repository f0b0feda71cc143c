// How much signalling one core carries, and what an idle viewer costs: our tracker and plain
// bittorrent-tracker, the same load in the same run.

import WebSocket from 'ws';
import type { BenchReport } from './bench-report.ts';
import { MeasuredServer } from './measured-server.ts';

const idleSocketCount = 10_000;
/** Loopback addresses that the sockets come from, as viewers come from many. */
const addressCount = 64;
const announcerCount = 500;
const swarmSize = 50;
const offersPerAnnounce = 5;
const measuredMs = 8_000;
const connectBatchSize = 200;
/** About the size of a browser's data channel offer with its candidates. */
const sdp = 'a=candidate:1 1 udp 2122260223 192.0.2.1 54321 typ host\r\n'.repeat(16);

export async function benchTracker(): Promise<BenchReport> {
  // One after the other, ours in the middle of two plain runs would need a third; the order is told.
  const rows = [];
  for (const [kind, label] of [
    ['plain', 'bittorrent-tracker'],
    ['shoal', 'Shoal'],
  ] as const) {
    const announces = await measureAnnounces(kind);
    const idle = await measureIdle(kind);
    rows.push({
      tracker: label,
      'announces/s per core': Math.round(announces.perCpuSecond),
      'answers, median': `${announces.medianMs.toFixed(1)} ms`,
      'idle sockets': idle.socketCount,
      'memory per idle socket': `${(idle.bytesPerSocket / 1_024).toFixed(1)} KiB`,
    });
  }
  return {
    name: 'tracker',
    title: 'Signalling, against plain bittorrent-tracker',
    method: `Each server is a process of its own. ${announcerCount} viewers in swarms of ${swarmSize} announce with ${offersPerAnnounce} offers of ${sdp.length} bytes as fast as they are answered, for ${measuredMs / 1_000} s; announces are divided by the CPU time of the server. Then ${idleSocketCount} viewers from ${addressCount} addresses announce once and stay; memory is the growth of the resident set after a garbage collection, kernel buffers not included. Ours checks every message against a schema, selects peers by network and keeps apart pairs that were just introduced.`,
    rows,
  };
}

class Announcer {
  readonly #socket: WebSocket;
  readonly #message: string;
  answerCount = 0;
  readonly waitsMs: number[] = [];
  #sentAtMs = 0;
  #isRepeating = false;

  constructor(socket: WebSocket, index: number) {
    this.#socket = socket;
    this.#message = JSON.stringify({
      action: 'announce',
      info_hash: `swarm-${Math.floor(index / swarmSize)}`.padEnd(20, '.'),
      peer_id: `peer-${index}`.padEnd(20, '.'),
      numwant: offersPerAnnounce,
      offers: Array.from({ length: offersPerAnnounce }, (_, offer) => ({
        offer: { type: 'offer', sdp },
        offer_id: `offer-${index}-${offer}`.padEnd(20, '.'),
      })),
    });
    socket.on('message', (data) => {
      // Answers have an interval near their start, the offers of others do not.
      if (!String(data).slice(0, 120).includes('"interval"')) return;
      this.answerCount += 1;
      this.waitsMs.push(performance.now() - this.#sentAtMs);
      if (this.#isRepeating) this.announce();
    });
  }

  announce(): void {
    this.#sentAtMs = performance.now();
    this.#socket.send(this.#message);
  }

  repeat(): void {
    this.#isRepeating = true;
    this.announce();
  }

  stop(): void {
    this.#isRepeating = false;
    this.#socket.terminate();
  }
}

async function connect(port: number, count: number): Promise<WebSocket[]> {
  const sockets: WebSocket[] = [];
  while (sockets.length < count) {
    const batch = Array.from(
      { length: Math.min(connectBatchSize, count - sockets.length) },
      (_, index) => open(port, `127.0.0.${2 + ((sockets.length + index) % addressCount)}`),
    );
    sockets.push(...(await Promise.all(batch)));
  }
  return sockets;
}

function open(port: number, localAddress: string): Promise<WebSocket> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { localAddress });
    socket.once('open', () => resolve(socket));
    socket.once('error', reject);
  });
}

async function measureAnnounces(kind: string): Promise<{ perCpuSecond: number; medianMs: number }> {
  const server = await MeasuredServer.start(kind);
  const sockets = await connect(server.port, announcerCount);
  const announcers = sockets.map((socket, index) => new Announcer(socket, index));
  for (const announcer of announcers) announcer.repeat();
  await pause(1_000);
  const before = await server.figures();
  const countBefore = sum(announcers);
  await pause(measuredMs);
  const count = sum(announcers) - countBefore;
  const after = await server.figures();
  for (const announcer of announcers) announcer.stop();
  await server.stop();
  const waits = announcers.flatMap(({ waitsMs }) => waitsMs).sort((a, b) => a - b);
  return {
    perCpuSecond: count / (after.cpuSeconds - before.cpuSeconds),
    medianMs: waits[Math.floor(waits.length / 2)] ?? Number.NaN,
  };
}

async function measureIdle(kind: string): Promise<{ socketCount: number; bytesPerSocket: number }> {
  const server = await MeasuredServer.start(kind);
  // A few first, so that code and buffers of the first connections are not counted.
  const warm = await connect(server.port, 100);
  await pause(500);
  const before = await server.figures();
  const sockets = await connect(server.port, idleSocketCount);
  for (const [index, socket] of sockets.entries()) new Announcer(socket, index).announce();
  await pause(4_000);
  const after = await server.figures();
  const alive = sockets.filter(({ readyState }) => readyState === WebSocket.OPEN).length;
  for (const socket of [...warm, ...sockets]) socket.terminate();
  await server.stop();
  return { socketCount: alive, bytesPerSocket: (after.rssBytes - before.rssBytes) / alive };
}

function sum(announcers: readonly Announcer[]): number {
  return announcers.reduce((total, { answerCount }) => total + answerCount, 0);
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
