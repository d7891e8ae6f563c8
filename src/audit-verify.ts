import { parseArgs } from 'node:util';
import { z } from 'zod';
import { verifyChains } from './audit/verify-chain.ts';
import type { Break } from './audit/verify-chain.ts';
import { assertReachable, connectDatabase } from './db/connect.ts';
import { assertMigrated } from './db/migrations.ts';
import { StartError } from './errors.ts';

const Url = z.url({ protocol: /^postgres(ql)?$/ });
const BROKEN = 2;

/**
 * `npm run audit:verify [-- --organization ID]`: whether the audit log of DATABASE_URL is whole. Exit code 0: it is;
 * 2: it is not, and standard output says where; 1: it could not be read.
 */
async function run(): Promise<void> {
  const { values } = parseArgs({ options: { organization: { type: 'string' } }, strict: true });
  const url = Url.safeParse(process.env['DATABASE_URL']);
  if (!url.success) throw new StartError('DATABASE_URL needs a postgres:// address.');
  await assertReachable(url.data);
  const db = connectDatabase({ url: url.data, poolMax: 1, statementTimeoutMs: null });
  try {
    await assertMigrated(db);
    const onBreak = (found: Break) => process.stdout.write(`${describe(found)}\n`);
    const { organizations, events, breaks } = await verifyChains({ db, organizationId: values.organization, onBreak });
    const read = `${events} events of ${organizations} organizations`;
    const verdict =
      breaks === 0 ? `The audit log is sound: ${read}.` : `THE AUDIT LOG IS BROKEN in ${breaks} places: ${read}.`;
    process.stdout.write(`${verdict}\n`);
    if (breaks > 0) process.exitCode = BROKEN;
  } finally {
    await db.destroy();
  }
}

function describe({ kind, organizationId, sequence, until, id }: Break): string {
  const events = until > sequence ? `events ${sequence} to ${until}` : `event ${sequence}`;
  return [organizationId, events, ...(id === undefined ? [] : [id]), SAID[kind]].join('  ');
}

const SAID: Record<Break['kind'], string> = {
  changed: 'changed: it is not what followed the event before it',
  inserted: 'inserted: it was never part of the chain',
  missing: 'missing',
  shortened: 'missing from the end of the chain',
  end_changed: "changed: the end of the chain is not the last event's",
  end_missing: 'is the last, and the record of the end of the chain is missing',
};

try {
  await run();
} catch (error) {
  process.stderr.write(`The audit log could not be verified: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
