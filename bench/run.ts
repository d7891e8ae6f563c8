import { parseArgs } from 'node:util';
import { makeLifetime } from '../src/process/shutdown.ts';
import { databaseVersion } from './database.ts';
import { FULL, SHORT } from './length.ts';
import { measuredLine, measuredNow } from './report/measured.ts';
import { writeReport } from './report/report.ts';
import { storeResult } from './report/results.ts';
import type { Finding, Length, Outcome, Section } from './section.ts';
import { SECTIONS } from './sections.ts';
import { pinSelf } from './start-server.ts';
import { findingsTable, roundsTable } from './tables.ts';
import { makeWorld } from './world.ts';
import type { World } from './world.ts';

// `npm run bench [-- --short] [--only NAME,NAME] [--soak-minutes N] [--keys N]`: measures what Latchkey costs, beside what it is built
// on and its alternatives. Exits with 1 for an error, not for a target that was missed.
const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    only: { type: 'string' },
    'soak-minutes': { type: 'string' },
    /** Of the large mirror. */
    keys: { type: 'string' },
  },
});
const full = values.short ? SHORT : FULL;
const length: Length = { ...full, soakMinutes: Number(values['soak-minutes'] ?? full.soakMinutes) };
const names = values.only?.split(',') ?? SECTIONS.map(({ name }) => name);
const unknown = names.filter((name) => !SECTIONS.some((section) => section.name === name));
if (unknown.length > 0) throw new Error(`no such section: ${unknown.join(', ')}`);
const chosen = SECTIONS.filter(({ name }) => names.includes(name));

const serverUrl = process.env['TEST_DATABASE_URL'] || undefined;
const isLeftOut = ({ needsPostgres }: Section) => needsPostgres && serverUrl === undefined;
const leftOut = chosen.filter(isLeftOut);
const say = (text: string) => void process.stdout.write(`${text}\n`);
const lifetime = makeLifetime();
// An interrupted run drops its databases, too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void lifetime.end().finally(() => process.exit(1)));
}

async function measure(section: Section, world: World): Promise<Outcome> {
  const own = makeLifetime();
  lifetime.onEnd(own.end);
  try {
    return await section.run({ world, lifetime: own, length });
  } finally {
    await own.end();
  }
}

function printed({ title }: Section, { rounds, raw }: Outcome): string {
  return [`## ${title}`, ...(rounds ? [roundsTable(rounds)] : []), raw].join('\n\n');
}

try {
  pinSelf();
  const world = makeWorld(lifetime, serverUrl, {
    manyKeys: Number(values.keys ?? (values.short ? 20_000 : 1_000_000)),
  });
  const measured = measuredNow(length, await databaseVersion(serverUrl));
  const findings: Finding[] = [];
  for (const section of chosen.filter((each) => !isLeftOut(each))) {
    const outcome = await measure(section, world);
    say(printed(section, outcome));
    findings.push(...outcome.findings);
    // A section that could not measure here, such as without Redis, leaves what it measured before.
    if (!values.short && outcome.findings.length > 0) await storeResult(section.name, measured, outcome);
  }
  say(findingsTable(findings.map((finding) => ({ ...finding, date: measured.date }))));
  if (leftOut.length > 0)
    say(`Left out, because they need TEST_DATABASE_URL: ${leftOut.map(({ name }) => name).join(', ')}.`);
  say(`${measuredLine(measured)}\n${measured.versions}`);
  if (!values.short) await writeReport();
} finally {
  await lifetime.end();
}
