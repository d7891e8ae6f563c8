import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import type { Length, Outcome, Section } from './section.ts';
import { pinning } from './start-server.ts';
import { findingsTable } from './tables.ts';

const PACKAGES = ['express', 'knex', 'pg', 'pino-http', '@electric-sql/pglite', '@workos-inc/node', 'autocannon'];
const BUSY = 0.5;

/** How busy the machine was before the run. */
export const loadBefore = loadavg()[0]!;

export type Done = { section: Section; outcome: Outcome };
type Run = { done: readonly Done[]; leftOut: readonly Section[]; database: string; length: Length };

export function summary(run: Run): string {
  return `${findingsTable(run.done.flatMap(({ outcome }) => outcome.findings))}\n${leftOutLine(run.leftOut)}${machine(run.database)}\n`;
}

export function rawOf({ section, outcome }: Done): string {
  return `## ${section.title}\n\n${outcome.raw}`;
}

export function readme(run: Run): string {
  const { rounds, seconds } = run.length;
  return `# Benchmark

\`npm run bench\` writes this file. With \`TEST_DATABASE_URL=postgres://…\` it makes databases of its own on that server and
drops them again; without, it leaves out what needs a server, and the embedded database works in the process that is
measured. \`-- --short\` takes about a minute, only prints, and proves nothing but that everything runs; \`-- --only
verification,cold\` runs some sections; \`-- --soak-minutes 1\` shortens the longest. Better Auth has a package file of its own in
[peers](peers/package.json), which is installed with \`npm ci --ignore-scripts\` when it is needed.

Within a section all targets have their turns in one run, in ${rounds} rounds of ${seconds} s; numbers are medians of the rounds, and what is
compared is compared in each round. Each server is a process of its own${
    pinning
      ? ', what is measured on the first core, the load and the local WorkOS on\nthe second, PostgreSQL where it likes'
      : ' (not pinned to a core: no taskset here)'
  }. 64 connections unless said otherwise; the work is spread over 100 organizations.
Keys have no limits unless said otherwise. Log lines are written to \`/dev/null\`.

## ${new Date().toISOString().slice(0, 10)}

${summary(run)}
${run.done.map(rawOf).join('\n')}`;
}

function leftOutLine(sections: readonly Section[]): string {
  if (sections.length === 0) return '';
  return `Left out, because it needs \`TEST_DATABASE_URL\`: ${sections.map(({ name }) => name).join(', ')}.\n\n`;
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
