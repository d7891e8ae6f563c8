import { z } from 'zod';
import { readAuditConfig } from '../audit/audit-config.ts';
import { makeAuditChain, sealKeysOf } from '../audit/audit-keys.ts';
import { describeBreak } from '../audit/break.ts';
import type { Break } from '../audit/break.ts';
import { makeSealer } from '../audit/seals/seal.ts';
import { verifyLog } from '../audit/verify-log.ts';
import type { Verified } from '../audit/verify-log.ts';
import { assertReachable, connectDatabase } from '../db/connect.ts';
import { assertMigrated } from '../db/migrations.ts';
import { readArguments, toStderr, toStdout } from './command.ts';

const BROKEN = 2;
const UNPROVEN = 3;
const Minutes = z.coerce.number({ error: '--max-seal-age needs minutes' }).positive().max(525_600).optional();

/** `npm run audit:verify`: reads DATABASE_URL, LATCHKEY_SECRET and LATCHKEY_AUDIT_SEALS. Standard output names each fault. */
async function run(): Promise<void> {
  const { values } = readArguments('audit:verify', false);
  const minutes = Minutes.parse(values['max-seal-age']);
  const config = readAuditConfig(process.env);
  await assertReachable(config.databaseUrl);
  const db = connectDatabase({ url: config.databaseUrl, poolMax: 1, statementTimeoutMs: null });
  try {
    await assertMigrated(db);
    const verified = await verifyLog({
      db,
      chain: makeAuditChain(config),
      sealer: makeSealer(sealKeysOf(config)),
      sealPaths: values.seals ?? (config.sealsPath === undefined ? [] : [config.sealsPath]),
      exportPaths: values['workos-export'] ?? [],
      organizationId: values.organization,
      ...(minutes !== undefined && { sealedSince: new Date(Date.now() - minutes * 60_000) }),
      onBreak: (found: Break) => toStdout(`${describeBreak(found)}\n`),
    });
    toStdout(describe(verified));
    if (verified.breaks > 0) process.exitCode = BROKEN;
    else if (verified.unproven > 0) process.exitCode = UNPROVEN;
  } finally {
    await db.destroy();
  }
}

function describe({ organizations, events, breaks, unproven, unkeyed, seals, exported }: Verified): string {
  const read = `${events} events of ${organizations} organizations`;
  const lines = [
    breaks > 0
      ? `THE AUDIT LOG IS BROKEN in ${breaks} places: ${read}.`
      : unproven > 0
        ? `THE AUDIT LOG IS NOT PROVEN in ${unproven} places: ${read}.`
        : `The audit log is sound: ${read}.`,
    seals.given
      ? `${seals.count} seals were read${seals.newest ? `, the newest of ${seals.newest.toISOString()}` : ''}.`
      : `No seals were read: an end that was cut off, or an organization that was removed, cannot be found${exported === undefined ? '' : ' beyond what WorkOS Audit Logs have'}.`,
  ];
  if (exported !== undefined) lines.push(`${exported} events of WorkOS Audit Logs were read.`);
  if (!seals.closed) {
    lines.push(
      `The upgrade to keyed links is not closed: ${unkeyed} events have none. See docs/how-to/verify-the-audit-log.md.`,
    );
  }
  return `${lines.join('\n')}\n`;
}

try {
  await run();
} catch (error) {
  toStderr(`The audit log could not be verified: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
