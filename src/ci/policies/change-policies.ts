import type { Knex } from 'knex';
import { assertHeld } from '../../api-keys/rules/key-choice.ts';
import { auditSource } from '../../audit/audit-event.ts';
import type { AuditEvent } from '../../audit/audit-event.ts';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { Clock } from '../../clock.ts';
import { violatesUnique } from '../../db/pg-errors.ts';
import { transaction } from '../../db/transaction.ts';
import { AppError } from '../../errors.ts';
import { callerId } from '../../http/caller.ts';
import type { TenantCaller } from '../../http/caller.ts';
import type { RequestContext } from '../../http/route.ts';
import { invalidFields } from '../../http/validate.ts';
import { ulid } from '../../ids.ts';
import type { ConfiguredIssuers } from '../issuers/configured-issuers.ts';
import { assertSound } from './assert-sound.ts';
import type { PolicyRepository } from './policy-repository.ts';
import { viewSettings } from './policy-schemas.ts';
import type { Policy, PolicySettings } from './policy.ts';

type Deps = {
  db: Knex;
  policies: PolicyRepository;
  issuers: ConfiguredIssuers;
  /** Locks the tenant until the transaction ends. @throws AppError `billing_inactive` */
  admit: (trx: Knex.Transaction, organizationId: string) => Promise<unknown>;
  audit: Pick<AuditLog, 'append'>;
  clock: Clock;
};

/** Of an organization. */
export const MAX_POLICIES = 100;

export type ChangePolicies = ReturnType<typeof makeChangePolicies>;

/**
 * Creates and changes CI policies. A caller must hold every scope that the policy lets jobs choose, for every
 * change: looser conditions would give them to others.
 * @throws AppError `validation_error`, `permission_denied`, `ci_policy_not_found`, `billing_inactive`
 */
export function makeChangePolicies({ db, policies, issuers, admit, audit, clock }: Deps) {
  const write = (work: (trx: Knex.Transaction) => Promise<Policy>) => transaction(db, work).catch(nameTaken);

  return {
    create: (caller: TenantCaller, settings: PolicySettings, context: RequestContext): Promise<Policy> => {
      assertSound(settings, issuers.get(settings.issuer));
      assertHeld(caller, settings.scopes);
      const { organizationId } = caller;
      return write(async (trx) => {
        await admit(trx, organizationId);
        if ((await policies.count(trx, organizationId)) >= MAX_POLICIES) throw tooMany();
        const now = clock();
        const policy: Policy = {
          ...settings,
          id: `cipol_${ulid(now)}`,
          organizationId,
          createdBy: { kind: caller.kind, id: callerId(caller) },
          createdAt: now,
          updatedAt: now,
        };
        await policies.insert(trx, policy);
        await audit.append(trx, policyEvent(policy, 'ci_policy.created', caller, context, viewSettings(policy)));
        return policy;
      });
    },

    update: (
      caller: TenantCaller,
      id: string,
      change: Partial<PolicySettings>,
      context: RequestContext,
    ): Promise<Policy> =>
      write(async (trx) => {
        const before = await policies.lock(trx, caller.organizationId, id);
        if (!before) throw policyNotFound();
        const after = { ...before, ...change, updatedAt: clock() };
        assertSound(after, issuers.get(after.issuer));
        assertHeld(caller, after.scopes);
        await policies.update(trx, after);
        await audit.append(trx, policyEvent(after, 'ci_policy.updated', caller, context, changed(before, after)));
        return after;
      }),
  };
}

export function policyNotFound(): AppError {
  return new AppError('ci_policy_not_found', 'This organization has no such CI policy.');
}

function nameTaken(error: unknown): never {
  if (!violatesUnique(error, 'ci_policies_name_key')) throw error;
  throw invalidFields({ name: 'The organization has a CI policy of this name.' });
}

function tooMany(): AppError {
  return invalidFields({ name: `An organization can have at most ${MAX_POLICIES} CI policies.` });
}

/** Returns the fields that differ, before and after. */
function changed(before: Policy, after: Policy): AuditEvent['details'] {
  const [was, is] = [viewSettings(before), viewSettings(after)];
  const names = (Object.keys(is) as (keyof typeof is)[]).filter(
    (name) => JSON.stringify(was[name]) !== JSON.stringify(is[name]),
  );
  const only = (settings: typeof is) => Object.fromEntries(names.map((name) => [name, settings[name]]));
  return { before: only(was), after: only(is) };
}

export function policyEvent(
  { organizationId, id }: Policy,
  action: AuditEvent['action'],
  caller: TenantCaller,
  context: RequestContext,
  details: AuditEvent['details'],
): AuditEvent {
  return { ...auditSource(caller, context), organizationId, action, target: { kind: 'ci_policy', id }, details };
}
