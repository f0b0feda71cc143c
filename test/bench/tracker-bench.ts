// How much signalling one core carries, and what an idle viewer costs: our tracker and plain
// bittorrent-tracker, the same load in the same run.

import { loadTrackerClientClass } from '@shoal/player/delivery';
import WebSocket from 'ws';
import type { BenchReport } from './bench-report.ts';
import { MeasuredServer } from './measured-server.ts';

const idleSocketCount = 10_000;
/** Loopback addresses that the sockets come from, as viewers come from many. */
const addressCount = 64;
const announcerCount = 500;
const swarmSize = 50;
const offersPerAnnounce = 5;
const measuredMs = 5_000;
const connectBatchSize = 200;
/** About the size of a browser's data channel offer with its candidates. */
const sdp = 'a=candidate:1 1 udp 2122260223 192.0.2.1 54321 typ host\r\n'.repeat(16);

/** Pairs of runs; which tracker goes first alternates. */
const rounds = 3;
/** Viewers with real WebRTC who are there, and who join one after the other in each round. */
const residentCount = 3;
const newcomersPerRound = 5;
const meetingTimeoutMs = 20_000;

const kinds = ['plain', 'shoal'] as const;
type Kind = (typeof kinds)[number];

interface Run {
  readonly announcesPerCpuSecond: number;
  readonly answerMs: number;
  readonly idleSocketCount: number;
  readonly bytesPerSocket: number;
  /** From start to the first connected peer, of each newcomer. */
  readonly meetingsMs: readonly number[];
}

export async function benchTracker(): Promise<BenchReport> {
  const runs: Record<Kind, Run[]> = { plain: [], shoal: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of round % 2 === 0 ? kinds : kinds.toReversed()) {
      runs[kind].push(await measureRun(kind));
    }
  }
  const figures = {
    plain: mediansOf(runs.plain),
    shoal: mediansOf(runs.shoal),
  };
  const rows = [
    { tracker: 'bittorrent-tracker', ...rowOf(figures.plain) },
    { tracker: 'Shoal', ...rowOf(figures.shoal) },
    { tracker: 'Shoal ÷ bittorrent-tracker', ...ratioRow(figures.shoal, figures.plain) },
  ];
  return {
    name: 'tracker',
    title: 'Signalling, against plain bittorrent-tracker',
    method: `Each server is a process of its own; medians of ${rounds} pairs of runs, in which the two take turns in going first. ${announcerCount} viewers in swarms of ${swarmSize} announce with ${offersPerAnnounce} offers of ${sdp.length} bytes as fast as they are answered, for ${measuredMs / 1_000} s; announces are divided by the CPU time of the server. Then ${idleSocketCount} viewers from ${addressCount} addresses announce once and stay; memory is the growth of the resident set after a garbage collection, kernel buffers not included. Then ${newcomersPerRound} viewers with real WebRTC join a swarm of ${residentCount} one after the other; the time is from the start of bittorrent-tracker's client to its first connected peer. Ours checks every message against a schema, limits rates, selects peers by network, keeps apart pairs that were just introduced and keeps a ring.`,
    rows,
  };
}

async function measureRun(kind: Kind): Promise<Run> {
  const announces = await measureAnnounces(kind);
  const idle = await measureIdle(kind);
  return {
    announcesPerCpuSecond: announces.perCpuSecond,
    answerMs: announces.medianMs,
    idleSocketCount: idle.socketCount,
    bytesPerSocket: idle.bytesPerSocket,
    meetingsMs: await measureMeetings(kind),
  };
}

interface Figures {
  readonly announcesPerCpuSecond: number;
  readonly answerMs: number;
  readonly idleSocketCount: number;
  readonly bytesPerSocket: number;
  readonly meetingMs: number;
}

function mediansOf(runs: readonly Run[]): Figures {
  return {
    announcesPerCpuSecond: median(runs.map((run) => run.announcesPerCpuSecond)),
    answerMs: median(runs.map((run) => run.answerMs)),
    idleSocketCount: Math.min(...runs.map((run) => run.idleSocketCount)),
    bytesPerSocket: median(runs.map((run) => run.bytesPerSocket)),
    meetingMs: median(runs.flatMap((run) => run.meetingsMs)),
  };
}

function rowOf(figures: Figures): Readonly<Record<string, string | number>> {
  return {
    'announces/s per core': Math.round(figures.announcesPerCpuSecond),
    'answers, median': `${figures.answerMs.toFixed(1)} ms`,
    'idle sockets': figures.idleSocketCount,
    'memory per idle socket': `${(figures.bytesPerSocket / 1_024).toFixed(1)} KiB`,
    'join to first peer': `${Math.round(figures.meetingMs)} ms`,
  };
}

function ratioRow(ours: Figures, theirs: Figures): Readonly<Record<string, string>> {
  const ratio = (pick: (figures: Figures) => number): string =>
    (pick(ours) / pick(theirs)).toFixed(2);
  return {
    'announces/s per core': ratio((each) => each.announcesPerCpuSecond),
    'answers, median': ratio((each) => each.answerMs),
    'idle sockets': ratio((each) => each.idleSocketCount),
    'memory per idle socket': ratio((each) => each.bytesPerSocket),
    'join to first peer': ratio((each) => each.meetingMs),
  };
}

type MeetingClient = InstanceType<Awaited<ReturnType<typeof loadTrackerClientClass>>>;

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

async function measureMeetings(kind: Kind): Promise<readonly number[]> {
  const server = await MeasuredServer.start(kind);
  const ClientClass = await loadTrackerClientClass();
  const clients: MeetingClient[] = [];
  const join = (number: number): MeetingClient => {
    const client = new ClientClass({
      infoHash: Buffer.alloc(20, 7),
      peerId: Buffer.from(`-SH0101-${String(number).padStart(12, '0')}`),
      // A path of its own: clients of one process share a socket for one URL.
      announce: [`ws://127.0.0.1:${server.port}/${kind}-${number}`],
      port: 6881,
      rtcConfig: { iceServers: [] },
    });
    client.on('warning', () => {});
    client.on('error', () => {});
    client.start();
    clients.push(client);
    return client;
  };
  for (let number = 0; number < residentCount; number += 1) await firstPeerMs(join(number), number);
  const meetingsMs: number[] = [];
  for (let number = 0; number < newcomersPerRound; number += 1) {
    meetingsMs.push(await firstPeerMs(join(residentCount + number), 1));
  }
  for (const client of clients) client.destroy();
  await server.stop();
  return meetingsMs;
}

/** @param others how many are there to meet; with none it resolves at once */
async function firstPeerMs(client: MeetingClient, others: number): Promise<number> {
  const startMs = performance.now();
  if (others === 0) {
    await new Promise<void>((resolve) => client.on('update', () => resolve()));
    return 0;
  }
  return await new Promise((resolve) => {
    const settle = (): void => {
      clearTimeout(timer);
      resolve(performance.now() - startMs);
    };
    const timer = setTimeout(settle, meetingTimeoutMs);
    client.on('peer', (peer) => {
      peer.on('error', () => {});
      peer.on('connect', settle);
    });
  });
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function sum(announcers: readonly Announcer[]): number {
  return announcers.reduce((total, { answerCount }) => total + answerCount, 0);
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delayMs));
}
