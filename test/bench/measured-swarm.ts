// One swarm of the benchmark: an origin that counts, a tracker, and processes full of viewers who
// come and go as the case says. The benchmark makes rows of what it gathers.

import { Tracker } from '@shoal/tracker';
import { pino } from 'pino';
import { SyntheticLiveOrigin } from '../support/synthetic-live-origin.ts';
import type { Scheme, SwarmCase } from './swarm-cases.ts';
import { ViewerHost, type ViewerReport } from './viewer-host.ts';

export const bitrateBps = 2_500_000;
/** One thread has room for these; a process more costs memory, not time. */
const viewersPerHost = 15;
const crowdMs = 2_000;
const slicesPerSegment = 4;

/** What has happened up to a moment, over all viewers that were ever there. */
export interface SwarmCounters {
  readonly atMs: number;
  readonly lastNumber: number;
  readonly sentBytes: number;
  readonly playlistBytes: number;
  readonly viewers: readonly ViewerReport[];
  /** In cores, of the processes of viewers. */
  readonly cpuShare: number;
  readonly isStarved: boolean;
}

export const wait = (delayMs: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, delayMs)));

export class MeasuredSwarm {
  readonly origin: SyntheticLiveOrigin;
  readonly #case: SwarmCase;
  readonly #scheme: Scheme;
  readonly #tracker: Tracker;
  readonly #hosts: ViewerHost[] = [];
  readonly #there: { readonly id: number; readonly host: ViewerHost }[] = [];
  readonly #left: ViewerReport[] = [];
  #joined = 0;

  private constructor(
    swarmCase: SwarmCase,
    scheme: Scheme,
    origin: SyntheticLiveOrigin,
    tracker: Tracker,
  ) {
    this.#case = swarmCase;
    this.#scheme = scheme;
    this.origin = origin;
    this.#tracker = tracker;
    const count = Math.ceil((swarmCase.viewerCount + (swarmCase.crowd ?? 0)) / viewersPerHost);
    for (let index = 0; index < count; index += 1)
      this.#hosts.push(new ViewerHost((report) => this.#left.push(report)));
  }

  static async start(swarmCase: SwarmCase, scheme: Scheme): Promise<MeasuredSwarm> {
    const origin = await SyntheticLiveOrigin.start({
      bitrateBps,
      slices: scheme === 'p2p-media-loader, assigned, sliced' ? slicesPerSegment : 1,
      ...swarmCase.origin,
    });
    const tracker = await Tracker.start({
      host: '127.0.0.1',
      port: 0,
      store: { kind: 'memory' },
      logger: pino({ level: 'silent' }),
    });
    const swarm = new MeasuredSwarm(swarmCase, scheme, origin, tracker);
    for (let index = 0; index < swarmCase.viewerCount; index += 1) {
      swarm.#join();
      await wait(swarmCase.joinIntervalMs ?? 300);
    }
    return swarm;
  }

  get viewerCount(): number {
    return this.#there.length;
  }

  async counters(): Promise<SwarmCounters> {
    const { origin } = this;
    const fixed = {
      atMs: Date.now(),
      lastNumber: origin.lastSequenceNumber,
      sentBytes: origin.sentBytes,
      playlistBytes: origin.playlistBytes,
    };
    const reports = await Promise.all(this.#hosts.map((host) => host.report()));
    return {
      ...fixed,
      viewers: [...this.#left, ...reports.flatMap(({ viewers }) => viewers)],
      cpuShare: reports.reduce((sum, { load }) => sum + load.cpuShare, 0),
      isStarved: reports.some(({ load }) => load.isStarved),
    };
  }

  /** A crowd comes. */
  async crowd(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      this.#join();
      await wait(crowdMs / count);
    }
  }

  /** Lets the time pass, with viewers coming and going where the case says so. */
  async pass(durationMs: number): Promise<void> {
    const { churnMs } = this.#case;
    const untilMs = performance.now() + durationMs;
    while (performance.now() < untilMs) {
      await wait(Math.min(churnMs ?? durationMs, untilMs - performance.now()));
      if (churnMs === undefined || performance.now() >= untilMs) continue;
      const leaving = this.#there.shift();
      leaving?.host.send({ kind: 'leave', id: leaving.id });
      this.#join();
    }
  }

  async close(): Promise<void> {
    for (const host of this.#hosts) await host.close();
    await this.#tracker.close('measured');
    await this.origin.close();
  }

  #join(): void {
    const id = this.#joined;
    const host = this.#hosts[id % this.#hosts.length];
    if (!host) return;
    this.#joined += 1;
    host.send({
      kind: 'join',
      id,
      spec: { ...this.#case.viewer?.(id), scheme: this.#scheme },
      playlistUrl: this.origin.playlistUrl,
      trackerUrl: this.#tracker.webSocketUrl,
      bitrateBps,
    });
    this.#there.push({ id, host });
  }
}
