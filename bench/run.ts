import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeLifetime } from '../src/process/shutdown.ts';
import { databaseVersion } from './database.ts';
import { rawOf, readme, summary } from './report.ts';
import type { Done } from './report.ts';
import type { Length, Section } from './section.ts';
import { betterAuth } from './sections/better-auth.ts';
import { changes } from './sections/changes.ts';
import { cold } from './sections/cold.ts';
import { command } from './sections/command.ts';
import { creates } from './sections/creates.ts';
import { memory } from './sections/memory.ts';
import { middleware } from './sections/middleware.ts';
import { productApi } from './sections/product-api.ts';
import { verification } from './sections/verification.ts';
import { workosSdk } from './sections/workos-sdk.ts';
import { writes } from './sections/writes.ts';
import { pinSelf } from './start-server.ts';
import { makeWorld } from './world.ts';

// `npm run bench [-- --short] [--only NAME,NAME] [--soak-minutes N]`: measures what Latchkey costs, beside what it is built
// on and its alternatives. Exits with 1 for an error, not for a target that was missed.
const SECTIONS: readonly Section[] = [
  verification,
  productApi,
  middleware,
  betterAuth,
  workosSdk,
  cold,
  changes,
  writes,
  creates,
  command,
  memory,
];

const { values } = parseArgs({
  options: { short: { type: 'boolean', default: false }, only: { type: 'string' }, 'soak-minutes': { type: 'string' } },
});
const soakMinutes = Number(values['soak-minutes'] ?? (values.short ? 0.05 : 10));
const length: Length = values.short
  ? { short: true, rounds: 1, seconds: 0.5, soakMinutes }
  : { short: false, rounds: 9, seconds: 3, soakMinutes };
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

try {
  pinSelf();
  const world = makeWorld(lifetime, serverUrl, { manyKeys: values.short ? 20_000 : 1_000_000 });
  const done: Done[] = [];
  for (const section of chosen.filter((each) => !isLeftOut(each))) {
    const own = makeLifetime();
    lifetime.onEnd(own.end);
    try {
      done.push({ section, outcome: await section.run({ world, lifetime: own, length }) });
    } finally {
      await own.end();
    }
    say(rawOf(done.at(-1)!));
  }
  const run = { done, leftOut, length, database: await databaseVersion(serverUrl) };
  say(summary(run));
  // Only a full run replaces the committed figures.
  if (!values.short && values.only === undefined) {
    const file = join(import.meta.dirname, 'README.md');
    writeFileSync(file, readme(run));
    execFileSync('oxfmt', [file]);
  }
} finally {
  await lifetime.end();
}
