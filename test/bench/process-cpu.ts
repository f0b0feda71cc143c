// CPU time and memory of a process and all that descends from it, as Linux counts them. Benchmarks
// read it before and after what they measure.

import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ of every Linux that runs Node. */
const ticksPerSecond = 100;

interface ProcessEntry {
  readonly pid: number;
  readonly parentPid: number;
  /** Of itself and of its children that have ended. */
  readonly cpuSeconds: number;
}

/** Fields behind the name, which may hold anything: proc_pid_stat(5). */
function readEntry(pid: number): ProcessEntry | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0);
    return { pid, parentPid: Number(fields[1]), cpuSeconds: ticks / ticksPerSecond };
  } catch {
    return null; // it has just ended
  }
}

/** Of the process and its descendants together. */
export function treeCpuSeconds(rootPid: number): number {
  const entries = readdirSync('/proc').flatMap((name) => {
    const entry = /^\d+$/.test(name) ? readEntry(Number(name)) : null;
    return entry === null ? [] : [entry];
  });
  const inTree = new Set([rootPid]);
  for (let size = 0; size < inTree.size; ) {
    size = inTree.size;
    for (const { pid, parentPid } of entries) if (inTree.has(parentPid)) inTree.add(pid);
  }
  return entries
    .filter(({ pid }) => inTree.has(pid))
    .reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
}

/** Of the process alone. */
export function ownCpuSeconds(pid: number): number {
  return readEntry(pid)?.cpuSeconds ?? 0;
}

/** Resident memory of the process alone, in bytes. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1] ?? 0) * 1024;
}
