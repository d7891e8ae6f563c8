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

\`npm run bench\` writes this file. With \`TEST_DATABASE_URL=postgres://…\` it creates databases on that server and drops them
again. Without it, sections that need a server are left out, and the service runs on its embedded database. \`-- --short\` takes
about a minute, prints only, and proves only that everything runs. \`-- --only verification,cold\` runs some sections, and
\`-- --soak-minutes 1\` shortens the longest. Better Auth has its own [package file](peers/package.json), which is installed with
\`npm ci --ignore-scripts\` when it is needed.

Within a section all targets take turns in one run, in ${rounds} rounds of ${seconds} s. Numbers are medians of the rounds, and comparisons are
made within each round. Each server is a process of its own${
    pinning
      ? ': the measured one on the first core, the load\ngenerator and the local WorkOS on the second, PostgreSQL on either'
      : ' (not pinned to a core: no taskset here)'
  }. There are 64 connections unless said
otherwise, and the work is spread over 100 organizations. Keys have no limits unless said otherwise. Log lines are written to
\`/dev/null\`.

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
  const busy = loadBefore > BUSY ? ' Other work was running: compare ratios, not figures.' : '';
  return `Machine: ${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} cores, ${memory} GB; load average before the run
${loadBefore.toFixed(2)}.${busy} Node ${process.versions.node}, ${database}, ${versions}.`;
}

function versionOf(name: string): string {
  const file = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
