import type { Knex } from 'knex';
import type { Key } from '../../api-keys/key.ts';
import { auditSource } from '../../audit/audit-event.ts';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { Clock } from '../../clock.ts';
import { transaction } from '../../db/transaction.ts';
import type { CiCaller } from '../../http/caller.ts';
import type { RequestContext } from '../../http/route.ts';
import type { SessionRepository } from '../sessions/session-repository.ts';
import type { Revocable, RevokeTokens } from './revoke-tokens.ts';

type Deps = {
  db: Knex;
  tokens: Pick<RevokeTokens, 'read'>;
  sessions: Pick<SessionRepository, 'end'>;
  findKey: (of: Revocable) => Promise<Key | undefined>;
  /** Revokes a key, and records in the same transaction what `alsoRecord` adds. */
  revoke: (
    caller: CiCaller,
    id: string,
    context: RequestContext,
    alsoRecord: (trx: Knex.Transaction) => Promise<void>,
  ) => Promise<void>;
  audit: Pick<AuditLog, 'append'>;
  clock: Clock;
};

export type RevokeByToken = ReturnType<typeof makeRevokeByToken>;

/**
 * Revokes the key that a token is for, or ends the CI session. Does nothing for a token that was not made here, or of what is
 * not there.
 */
export function makeRevokeByToken(deps: Deps) {
  return async function revokeByToken(token: string, context: RequestContext): Promise<void> {
    const found = deps.tokens.read(token);
    if (found?.kind === 'key') await revokeKey(deps, found, context);
    if (found?.kind === 'session') await endSession(deps, found, context);
  };
}

async function revokeKey({ findKey, revoke, audit }: Deps, found: Revocable, context: RequestContext): Promise<void> {
  const key = await findKey(found);
  if (!key) return;
  const { organizationId, id } = key;
  const caller = callerOf(organizationId, key.createdBy.id, undefined);
  await revoke(caller, id, context, (trx) => audit.append(trx, revoked(caller, context, { key_id: id })));
}

function endSession(
  { db, sessions, audit, clock }: Deps,
  { organizationId, rowId }: Revocable,
  context: RequestContext,
): Promise<void> {
  const id = `cises_${rowId}`;
  return transaction(db, async (trx) => {
    const session = await sessions.end(trx, { organizationId, id }, clock());
    if (!session) return;
    await audit.append(trx, revoked(callerOf(organizationId, session.policyId, id), context, { session_id: id }));
  });
}

function callerOf(organizationId: string, policyId: string, sessionId: string | undefined): CiCaller {
  return { kind: 'ci', organizationId, policyId, sessionId, scopes: new Set() };
}

function revoked(caller: CiCaller, context: RequestContext, details: Readonly<Record<string, unknown>>) {
  return {
    ...auditSource(caller, context),
    organizationId: caller.organizationId,
    action: 'ci.revoked' as const,
    target: { kind: 'ci_policy' as const, id: caller.policyId },
    details,
  };
}
