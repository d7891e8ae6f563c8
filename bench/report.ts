import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import type { Results } from './measure.ts';
import { pinning } from './servers.ts';

const PACKAGES = ['express', 'knex', 'pg', 'pino-http', '@electric-sql/pglite', '@workos-inc/node', 'autocannon'];

/** How busy the machine was before the run. */
export const loadBefore = loadavg()[0]!;

const BUSY = 0.5;

export function resultTable({ rows, create }: Results): string {
  const lines = Object.entries(rows).map(
    ([name, { requestsPerSecond, p50, p99 }]) =>
      `| ${name} | ${Math.round(requestsPerSecond).toLocaleString('en')} | ${ms(p50)} / ${ms(p99)} |`,
  );
  return `| | requests/s | p50 / p99 ms |
|---|---|---|
${lines.join('\n')}

One create takes ${ms(create.createMs)} ms; its call to WorkOS alone ${ms(create.workosMs)} ms, its two transactions alone
${ms(create.transactionsMs)} ms: **${create.ratio.toFixed(2)} times** the two together (at most 2 is what we hold ourselves to).
`;
}

export function readme(
  results: Results,
  { database, rounds, seconds }: { database: string; rounds: number; seconds: number },
) {
  return `# Benchmark

\`npm run bench\` writes this file; \`npm run bench -- --short\` takes less than half a minute and only prints. With
\`TEST_DATABASE_URL=postgres://…\` it makes a database of its own on that server and drops it again; without, the embedded
database is used, which works in the process that is measured.

All targets have their turns in one run, in ${rounds} rounds of ${seconds} s; medians of the rounds. Each server is a process of
its own${pinning ? ', what is measured on the first core, the load and the local WorkOS (without latency) on the second' : ' (not pinned to a core: no taskset here)'}.
64 connections, for creates 16; the work is spread over 100 organizations.

## ${new Date().toISOString().slice(0, 10)}

${resultTable(results)}
${machine(database)}
`;
}

function machine(database: string): string {
  const versions = PACKAGES.map((name) => `${name} ${versionOf(name)}`).join(', ');
  const memory = Math.round(totalmem() / 1024 ** 3);
  const busy = loadBefore > BUSY ? ' Others were at work on it: take the ratios, not the figures.' : '';
  return `Machine: ${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} cores, ${memory} GB; load average before the run
${loadBefore.toFixed(2)}.${busy} Node ${process.versions.node}, ${database}, ${versions}.`;
}

function versionOf(name: string): string {
  const file = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

function ms(value: number): string {
  return value < 10 ? value.toFixed(2) : value.toFixed(1);
}
