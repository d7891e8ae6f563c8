import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import type { Length } from '../section.ts';
import { pinning } from '../start-server.ts';

const PACKAGES = ['express', 'knex', 'pg', 'pino-http', '@electric-sql/pglite', '@workos-inc/node', 'autocannon'];
const BUSY = 0.5;

/** When and on what something was measured. */
export type Place = {
  date: string;
  machine: string;
  /** The load average before the run. */
  load: number;
  versions: string;
};

/** The same of a section of the benchmark. `pinned`: the measured process had a core to itself. */
export type Measured = Place & { pinned: boolean; rounds: number; seconds: number };

/** How busy the machine was before the run. */
const loadBefore = loadavg()[0]!;

/** @param software names with versions, such as `PostgreSQL 15.20` */
export function placeNow(software: readonly string[]): Place {
  const memory = Math.round(totalmem() / 1024 ** 3);
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} cores, ${memory} GB`,
    load: Number(loadBefore.toFixed(2)),
    versions: [`Node ${process.versions.node}`, ...software].join(', '),
  };
}

export function measuredNow({ rounds, seconds }: Length, database: string): Measured {
  const { versions, ...place } = placeNow([database, ...PACKAGES.map(withVersion)]);
  return { ...place, pinned: pinning, rounds, seconds, versions };
}

/** Returns a sentence such as `Measured 2026-11-22 on AMD EPYC, 2 cores, 24 GB; load average before the run 0.12.` */
export function measuredLine({ date, machine, load, pinned = true }: Place & Partial<Measured>): string {
  const busy = load > BUSY ? ' Other work was running: compare ratios, not figures.' : '';
  const core = pinned ? '' : ' No process was pinned to a core: no taskset there.';
  return `Measured ${date} on ${machine}; load average before the run ${load.toFixed(2)}.${busy}${core}`;
}

function withVersion(name: string): string {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  return `${name} ${(JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version}`;
}
