import type { Knex } from 'knex';
import type { KeyChanges } from '../../api-keys/rules/key-changes.ts';
import { auditSource } from '../../audit/audit-event.ts';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { Clock } from '../../clock.ts';
import { transaction } from '../../db/transaction.ts';
import type { RequestContext } from '../../http/route.ts';
import { ulid } from '../../ids.ts';
import { callerOf, recordedClaims } from '../exchange/prove-job.ts';
import type { ProvenJob } from '../exchange/prove-job.ts';
import type { TokenUses } from '../exchange/token-uses-repository.ts';
import { useOf } from '../exchange/use-token.ts';
import type { UseToken } from '../exchange/use-token.ts';
import { refused } from '../exchange/verify-token.ts';
import { metadataOf } from '../exchange/wanted-key.ts';
import type { CiSession, SessionRepository } from './session-repository.ts';
import type { OpaqueTokens } from '../../secrets.ts';

type Deps = {
  db: Knex;
  uses: Pick<TokenUses, 'made'>;
  useToken: UseToken;
  /** Locks the tenant until the transaction ends. @throws AppError `billing_inactive` */
  admit: (trx: Knex.Transaction, organizationId: string) => Promise<unknown>;
  sessions: Pick<SessionRepository, 'insert'>;
  tokens: Pick<OpaqueTokens, 'make'>;
  keyChanges: Pick<KeyChanges, 'count'>;
  audit: Pick<AuditLog, 'append'>;
  clock: Clock;
};

export type IssuedSession = { session: CiSession; token: string };
type Repeatable = { complete: (trx: Knex.Transaction, made: IssuedSession) => Promise<void> };

export type IssueSession = ReturnType<typeof makeIssueSession>;

/**
 * Issues a CI session to a proven job, in one transaction and without a call to WorkOS: either the token is used up and the
 * session is there, or neither.
 * @throws AppError `ci_token_used`, `request_in_progress`, `billing_inactive`, `rate_limited`
 */
export function makeIssueSession(deps: Deps) {
  return async function issueSession(
    job: ProvenJob,
    seconds: number,
    context: RequestContext,
    repeatable: Repeatable,
  ): Promise<IssuedSession> {
    const { policy, issuer } = job;
    const now = deps.clock();
    const { token, hash } = deps.tokens.make();
    const session: CiSession = {
      organizationId: policy.organizationId,
      id: `cises_${ulid(now)}`,
      policyId: policy.id,
      keyMetadata: metadataOf(issuer.rules.metadata, job.token.claims),
      createdAt: now,
      expiresAt: new Date(now.getTime() + seconds * 1_000),
    };
    const use = useOf(job, session.id);
    return deps.useToken(job, use, context, async (take) => {
      await deps.keyChanges.count(policy.organizationId);
      return transaction(deps.db, async (trx) => {
        await deps.admit(trx, policy.organizationId);
        await take(trx);
        await deps.uses.made(trx, use);
        // The policy was deleted, disabled or changed since it was read.
        if (!(await deps.sessions.insert(trx, session, hash))) throw refused();
        await record(deps, trx, job, session, context);
        await repeatable.complete(trx, { session, token });
        return { session, token };
      });
    });
  };
}

async function record(
  { audit }: Deps,
  trx: Knex.Transaction,
  { policy, issuer, token }: ProvenJob,
  session: CiSession,
  context: RequestContext,
): Promise<void> {
  await audit.append(trx, {
    ...auditSource(callerOf({ policy }), context),
    organizationId: policy.organizationId,
    action: 'ci.exchanged',
    target: { kind: 'ci_policy', id: policy.id },
    details: {
      session_id: session.id,
      expires_at: session.expiresAt.toISOString(),
      issuer: policy.issuer,
      claims: recordedClaims(issuer, token.claims),
    },
  });
}
