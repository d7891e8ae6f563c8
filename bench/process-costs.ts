import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { load } from './load.ts';
import type { Sample, Target } from './load.ts';

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
/** Of /proc/PID/stat, counted behind the name of the program. */
const [USER_TICKS, SYSTEM_TICKS] = [11, 12];

/** Returns the megabytes of a process that are in memory; undefined where there is no /proc. */
export function residentMb(pid: number): number | undefined {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;
  } catch {
    return undefined;
  }
}

/** Returns the seconds of processor that a process and those that it started have used; undefined where there is no /proc. */
export function cpuSeconds(pid: number): number | undefined {
  try {
    return familyOf(pid).reduce((sum, one) => sum + ticksOf(one), 0) / TICKS_PER_SECOND;
  } catch {
    return undefined;
  }
}

/** `cpu`: seconds of processor for a million requests. */
export type CostSample = Sample & { cpu: number };

const MILLION = 1_000_000;

/** Loads a target of a process as `load` does, on a machine that has /proc. */
export async function loadForCosts(target: Target, pid: number, seconds: number): Promise<CostSample> {
  const before = cpuSeconds(pid) ?? Number.NaN;
  const sample = await load(target, seconds);
  const requests = sample.requestsPerSecond * seconds;
  return { ...sample, cpu: (((cpuSeconds(pid) ?? Number.NaN) - before) / requests) * MILLION };
}

function familyOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  return [pid, ...children.flatMap((child) => familyOf(Number(child)))];
}

function ticksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[USER_TICKS]) + Number(fields[SYSTEM_TICKS]);
}
