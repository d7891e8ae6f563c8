import { closeSync, openSync } from 'node:fs';
import type { Knex } from 'knex';
import { makeAuditChain, sealKeysOf } from '../audit/audit-keys.ts';
import { makeAuditLog } from '../audit/audit-log.ts';
import type { AuditLogDeps } from '../audit/audit-log.ts';
import { makeSealHeads } from '../audit/seals/seal-heads.ts';
import { makeSealer } from '../audit/seals/seal.ts';
import { appendLine } from '../audit/seals/seals-file.ts';
import { makeSealLag } from '../audit/seals/seal-lag.ts';
import type { Loop } from '../background/loop.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { StartError } from '../errors.ts';
import { makeEventCursors } from '../workos-sync/event-cursors.ts';

type Deps = Pick<AuditLogDeps, 'announce' | 'publish'> & { config: Config; db: Knex; clock: Clock };

/** The audit log, and the loop that writes the seals of its heads outside the database. */
export function makeAuditParts({ config, db, clock, ...publishing }: Deps) {
  const { sealsPath } = config.audit;
  const cursor = makeEventCursors(db, 'audit_seals');
  return {
    audit: makeAuditLog({ ...publishing, chain: makeAuditChain(config), clock }),
    sealLoops: sealsPath === undefined || config.role === 'api' ? [] : [sealLoop(sealsPath)],
  };

  function sealLoop(path: string): Loop {
    assertAppendable(path);
    const sealer = makeSealer(sealKeysOf(config));
    const append = (line: string) => appendLine(path, line);
    const step = makeSealHeads({ db, cursor, sealer, append, clock });
    return {
      name: 'seal_audit_heads',
      everyMs: config.audit.sealIntervalMs,
      step,
      lagSeconds: makeSealLag({ db, polledAt: cursor.polledAt, clock }),
      bulk: 'A seal is one line of all heads that moved: it is written whole or not at all.',
    };
  }
}

/** @throws StartError that says why the file cannot be written */
function assertAppendable(path: string): void {
  try {
    closeSync(openSync(path, 'a', 0o600));
  } catch (error) {
    throw new StartError(`LATCHKEY_AUDIT_SEALS: the file cannot be written: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
