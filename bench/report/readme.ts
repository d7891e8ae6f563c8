import { formatted } from '../../scripts/reference/formatted.ts';
import { FULL } from '../length.ts';
import type { Section } from '../section.ts';
import { SECTIONS } from '../sections.ts';
import { findingsTable, storedTable } from '../tables.ts';
import { measuredLine } from './measured.ts';
import { readResult } from './results.ts';
import type { Result } from './results.ts';

const FILE = 'README.md';

type Titled = Pick<Section, 'name' | 'title'>;
type Reported = { section: Titled; result: Result };

const INTRODUCTION = `# Benchmark

\`npm run bench\` measures every section, stores what it measured in [results](results) and makes this file of all that is stored there.
\`-- --only verification,cold\` measures some sections anew, and \`-- --soak-minutes 1\` shortens the longest. \`npm run docs:bench\`
measures nothing and only writes this file, the charts, and the [report on scale and failover](../docs/explanation/scale-and-failover.md). \`-- --short\` takes about a minute, prints only, and proves only that everything runs. With
\`TEST_DATABASE_URL=postgres://…\` the benchmark creates databases on that server and drops them again. Without it, sections that need
a server are left out, and the service runs on its embedded database. Better Auth has its own
[package file](peers/package.json), which is installed with \`npm ci --ignore-scripts\` when it is needed.

Within a section all targets take turns in one run, in ${FULL.rounds} rounds of ${FULL.seconds} s. Numbers are medians of the rounds, and comparisons are
made within each round. Figures of two sections are of two runs, and of two moments of the machine. Each server is a process of its
own: the measured one on the first core, the load generator and the local WorkOS on the second, PostgreSQL on either. There are 64
connections unless said otherwise, and the work is spread over 100 organizations. Keys have no limits unless said otherwise. Log
lines are written to \`/dev/null\`.`;

/** Returns `bench/README.md` as the stored results make it. */
export async function readme(sections: readonly Titled[] = SECTIONS, resultOf = readResult): Promise<string> {
  const read = sections.map((section) => ({ section, result: resultOf(section.name) }));
  const reported = read.filter((each): each is Reported => each.result !== undefined);
  const missing = read.filter(({ result }) => result === undefined).map(({ section }) => `\`${section.name}\``);
  const parts = [
    INTRODUCTION,
    '## Findings',
    findingsTable(
      reported.flatMap(({ result: { findings, measured } }) => findings.map((each) => ({ ...each, ...measured }))),
    ),
    ...(missing.length > 0 ? [`Not measured yet: ${missing.join(', ')}.`] : []),
    versions(reported),
    ...reported.map(part),
  ];
  return formatted(FILE, parts.join('\n\n'));
}

function part({ section, result }: Reported): string {
  const { measured, rounds, raw } = result;
  const other = measured.rounds !== FULL.rounds || measured.seconds !== FULL.seconds;
  const length = other ? ` ${measured.rounds} rounds of ${measured.seconds} s.` : '';
  const table = rounds ? [storedTable(rounds)] : [];
  return [`## ${section.title}`, `${measuredLine(measured)}${length}`, ...table, raw.join('\n')].join('\n\n');
}

/** Names the sections where not all were measured with the same versions. */
function versions(reported: readonly Reported[]): string {
  const groups = [...Map.groupBy(reported, ({ result }) => result.measured.versions)];
  return groups
    .map(
      ([text, of]) =>
        `${groups.length > 1 ? `${of.map(({ section }) => `\`${section.name}\``).join(', ')}: ` : ''}${text}.`,
    )
    .join('\n\n');
}
