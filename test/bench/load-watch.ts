// Tells whether the machine had time for a measurement: a starved one delivers late whatever the
// scheme, and its figures would be about the machine.

import { cpus } from 'node:os';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';

export interface LoadFigures {
  /** CPU time of this process per second, in cores. */
  readonly cpuShare: number;
  readonly isStarved: boolean;
}

/** The 99th percentile of the event loop's delay above which timers are not to be trusted. */
const maxDelayMs = 150;
/** A thread that is busier than this answers whatever it hosts late. */
const maxLoopShare = 0.85;
/** Less idle time of the whole machine than this leaves no room for a burst. */
const minIdleShare = 0.15;

export class LoadWatch {
  readonly #delay = monitorEventLoopDelay({ resolution: 10 });
  readonly #cpuAtStart = process.cpuUsage();
  readonly #machineAtStart = machineTimes();
  readonly #loopAtStart = performance.eventLoopUtilization();
  readonly #startedAtMs = performance.now();

  static start(): LoadWatch {
    const watch = new LoadWatch();
    watch.#delay.enable();
    return watch;
  }

  stop(): LoadFigures {
    this.#delay.disable();
    const loop = performance.eventLoopUtilization(this.#loopAtStart);
    const used = process.cpuUsage(this.#cpuAtStart);
    const machine = machineTimes();
    const totalMs = machine.totalMs - this.#machineAtStart.totalMs;
    const idleShare = totalMs > 0 ? (machine.idleMs - this.#machineAtStart.idleMs) / totalMs : 1;
    return {
      cpuShare: (used.user + used.system) / 1_000 / (performance.now() - this.#startedAtMs),
      isStarved:
        idleShare < minIdleShare ||
        loop.utilization > maxLoopShare ||
        this.#delay.percentile(99) / 1e6 > maxDelayMs,
    };
  }
}

function machineTimes(): { idleMs: number; totalMs: number } {
  let idleMs = 0;
  let totalMs = 0;
  for (const { times } of cpus()) {
    idleMs += times.idle;
    totalMs += times.idle + times.user + times.sys + times.nice + times.irq;
  }
  return { idleMs, totalMs };
}
