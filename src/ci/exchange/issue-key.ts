import type { Knex } from 'knex';
import { keyEvent, describeNewKey } from '../../api-keys/key-audit.ts';
import type { KeyTemplate } from '../../api-keys/key.ts';
import type { Provision, ProvisionedKey } from '../../api-keys/provision-key.ts';
import { expiryWithinPlan } from '../../api-keys/rules/assert-within-plan.ts';
import type { PlanBounds } from '../../api-keys/rules/assert-within-plan.ts';
import { auditSource } from '../../audit/audit-event.ts';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { Clock } from '../../clock.ts';
import type { RequestContext } from '../../http/route.ts';
import { ulid } from '../../ids.ts';
import { assertPlace } from '../policies/key-quota.ts';
import type { CountKeys } from '../policies/key-quota.ts';
import type { PolicyRepository } from '../policies/policy-repository.ts';
import { callerOf, recordedClaims } from './prove-job.ts';
import type { ProvenJob } from './prove-job.ts';
import type { TokenUses } from './token-uses-repository.ts';
import { useOf } from './use-token.ts';
import type { UseToken } from './use-token.ts';
import { refused } from './verify-token.ts';

type Deps = {
  uses: Pick<TokenUses, 'made'>;
  useToken: UseToken;
  policies: Pick<PolicyRepository, 'hold'>;
  /** Locks the tenant until the transaction ends. @throws AppError `billing_inactive` */
  admit: (trx: Knex.Transaction, organizationId: string) => Promise<{ ciKeyLimit: number } & PlanBounds>;
  countKeys: CountKeys;
  provision: (request: Provision) => Promise<ProvisionedKey>;
  audit: Pick<AuditLog, 'append'>;
  clock: Clock;
};

/** Completes an idempotency record; see `idempotency/run-once.ts`. */
type Repeatable = Partial<Pick<Provision, 'rowId'>> & Pick<Provision, 'complete'>;

export type IssueKey = ReturnType<typeof makeIssueKey>;

/**
 * Issues a key to a proven job. The token is used up in the transaction that reserves the key, and is free again if no key
 * comes of it.
 * @throws AppError `ci_token_used`, `request_in_progress`, `billing_inactive`, `key_limit_reached`, `validation_error`,
 * `rate_limited`, `workos_rejected`, `workos_unavailable`
 */
export function makeIssueKey(deps: Deps) {
  return async function issueKey(
    job: ProvenJob,
    template: KeyTemplate,
    context: RequestContext,
    repeatable: Repeatable,
  ): Promise<ProvisionedKey> {
    const use = useOf(job, repeatable.rowId ?? ulid(deps.clock()));
    return deps.useToken(job, use, context, (take) =>
      deps.provision({
        name: 'create',
        caller: callerOf(job),
        rowId: use.rowId,
        template,
        async reserve(trx) {
          const { ciKeyLimit, ...plan } = await deps.admit(trx, use.organizationId);
          await take(trx);
          const now = deps.clock();
          const expiry = { at: template.expiresAt ?? null, field: 'expires_in' as const };
          const expiresAt = expiryWithinPlan({ ...template, expiry }, plan, now);
          await assertPlace(deps.countKeys, trx, job.policy, { ciKeyLimit, now });
          return { expiresAt };
        },
        // The policy may have been deleted with its keys since; this one would be left.
        async inherit(trx) {
          const { organizationId, id } = job.policy;
          if (!(await deps.policies.hold(trx, organizationId, id))?.enabled) throw refused();
          return template;
        },
        async complete(trx, made) {
          await deps.uses.made(trx, use);
          await record(deps, trx, job, made, context);
          await repeatable.complete(trx, made);
        },
      }),
    );
  };
}

async function record(
  { audit }: Deps,
  trx: Knex.Transaction,
  { policy, issuer, token }: ProvenJob,
  { key }: ProvisionedKey,
  context: RequestContext,
): Promise<void> {
  const { organizationId } = policy;
  const source = auditSource(callerOf({ policy }), context);
  await audit.append(trx, keyEvent(organizationId, key.id, 'api_key.created', source, describeNewKey(key)));
  await audit.append(trx, {
    ...source,
    organizationId,
    action: 'ci.exchanged',
    target: { kind: 'ci_policy', id: policy.id },
    details: { key_id: key.id, issuer: policy.issuer, claims: recordedClaims(issuer, token.claims) },
  });
}
