import type { Knex } from 'knex';
import { keyEvent, describeNewKey } from '../../api-keys/key-audit.ts';
import type { KeyTemplate } from '../../api-keys/key.ts';
import type { Provision, ProvisionedKey } from '../../api-keys/provision-key.ts';
import { expiryWithinPlan } from '../../api-keys/rules/assert-within-plan.ts';
import type { PlanBounds } from '../../api-keys/rules/assert-within-plan.ts';
import { auditSource } from '../../audit/audit-event.ts';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { Clock } from '../../clock.ts';
import { AppError } from '../../errors.ts';
import type { CiCaller } from '../../http/caller.ts';
import type { RequestContext } from '../../http/route.ts';
import { ulid } from '../../ids.ts';
import { recordedClaims } from './prove-job.ts';
import type { ProvenJob } from './prove-job.ts';
import type { RecordRefusals } from './record-refusals.ts';
import type { TokenState, TokenUse, TokenUses } from './token-uses-repository.ts';

type Counts = { ofOrganization: number; ofPolicy: number };
type Deps = {
  uses: Pick<TokenUses, 'take' | 'find' | 'made'>;
  /** Locks the tenant until the transaction ends. @throws AppError `billing_inactive` */
  admit: (trx: Knex.Transaction, organizationId: string) => Promise<{ ciKeyLimit: number } & PlanBounds>;
  countKeys: (trx: Knex.Transaction, organizationId: string, policyId: string, now: Date) => Promise<Counts>;
  provision: (request: Provision) => Promise<ProvisionedKey>;
  refusals: Pick<RecordRefusals, 'record'>;
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
    const caller = callerOf(job);
    const use: TokenUse = {
      organizationId: caller.organizationId,
      tokenHash: job.token.hash,
      rowId: repeatable.rowId ?? ulid(deps.clock()),
      expiresAt: job.token.usableUntil,
    };
    try {
      assertFree(await deps.uses.find(use));
      return await deps.provision({
        name: 'create',
        caller,
        rowId: use.rowId,
        template,
        reserve: (trx) => reserve(deps, trx, job, template, use),
        async complete(trx, made) {
          await deps.uses.made(trx, use);
          await record(deps, trx, job, made, context);
          await repeatable.complete(trx, made);
        },
      });
    } catch (error) {
      await recordReplay(deps, error, job, context);
      throw error;
    }
  };
}

export function callerOf({ policy }: Pick<ProvenJob, 'policy'>): CiCaller {
  return { kind: 'ci', organizationId: policy.organizationId, policyId: policy.id, scopes: new Set() };
}

async function reserve(
  { admit, countKeys, uses, clock }: Deps,
  trx: Knex.Transaction,
  { policy }: ProvenJob,
  template: KeyTemplate,
  use: TokenUse,
) {
  const { ciKeyLimit, ...plan } = await admit(trx, policy.organizationId);
  assertFree(await uses.take(trx, use));
  const now = clock();
  const expiry = { at: template.expiresAt ?? null, field: 'expires_in' as const };
  const expiresAt = expiryWithinPlan({ ...template, expiry }, plan, now);
  const { ofOrganization, ofPolicy } = await countKeys(trx, policy.organizationId, policy.id, now);
  if (ofPolicy >= policy.maxActiveKeys) throw limitReached('This CI policy', policy.maxActiveKeys, 'ci_policy');
  if (ofOrganization >= ciKeyLimit) throw limitReached('CI jobs of this organization', ciKeyLimit, 'organization');
  return { expiresAt };
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

async function recordReplay(
  { refusals }: Deps,
  error: unknown,
  { policy, issuer, token }: ProvenJob,
  from: RequestContext,
): Promise<void> {
  if (!(error instanceof AppError) || error.code !== 'ci_token_used') return;
  const { organizationId, id: policyId } = policy;
  const details = { claims: recordedClaims(issuer, token.claims) };
  await refusals.record({ organizationId, policyId, action: 'ci.replayed', reason: error.code, details, from });
}

function assertFree(state: TokenState): void {
  if (state === 'used')
    throw new AppError('ci_token_used', 'This CI token was exchanged already. Request a new one from the CI.');
  if (state === 'in progress')
    throw new AppError('request_in_progress', 'This CI token is being exchanged. Retry in a second.');
}

function limitReached(subject: string, limit: number, scope: 'ci_policy' | 'organization'): AppError {
  const message = `${subject} can have at most ${limit} active keys. Wait until one expires, or revoke one.`;
  return new AppError('key_limit_reached', message, { details: { limit, scope } });
}
