import { writeFileSync } from 'node:fs';
import { makeLifetime } from '../src/lifetime.ts';
import { measure } from './measure.ts';
import { prepare } from './prepare.ts';
import { readme, resultTable } from './report.ts';
import { pinSelf } from './servers.ts';

// `npm run bench`: what Latchkey costs, side by side with what it is built on.
const short = process.argv.includes('--short');
const length = short ? { rounds: 2, seconds: 1 } : { rounds: 5, seconds: 5 };
const lifetime = makeLifetime();

try {
  pinSelf();
  const servers = await prepare(lifetime, process.env['TEST_DATABASE_URL'] || undefined);
  const results = await measure(servers, length);
  process.stdout.write(`\n${resultTable(results)}\n${servers.database}\n`);
  if (!short) {
    writeFileSync(new URL('README.md', import.meta.url), readme(results, { ...length, database: servers.database }));
  }
} finally {
  await lifetime.end();
}
