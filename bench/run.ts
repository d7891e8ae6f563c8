import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeLifetime } from '../src/lifetime.ts';
import { measure } from './measure.ts';
import { prepare } from './prepare.ts';
import { readme, resultTable } from './report.ts';
import { pinSelf } from './servers.ts';

// `npm run bench`: what Latchkey costs, side by side with what it is built on.
const short = process.argv.includes('--short');
const length = short ? { rounds: 3, seconds: 1 } : { rounds: 5, seconds: 5 };
const lifetime = makeLifetime();

try {
  pinSelf();
  const servers = await prepare(lifetime, process.env['TEST_DATABASE_URL'] || undefined);
  const results = await measure(servers, length);
  process.stdout.write(`\n${resultTable(results)}\n${servers.database}\n`);
  if (!short) {
    const file = join(import.meta.dirname, 'README.md');
    writeFileSync(file, readme(results, { ...length, database: servers.database }));
    execFileSync('oxfmt', [file]);
  }
} finally {
  await lifetime.end();
}
