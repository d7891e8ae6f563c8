import type { Knex } from 'knex';
import type { CreateKey, CreateKeyInput } from '../../api-keys/create-key.ts';
import { describeNewKey, keyEvent } from '../../api-keys/key-audit.ts';
import type { Key } from '../../api-keys/key.ts';
import type { Provision, ProvisionedKey } from '../../api-keys/provision-key.ts';
import { expiryWithinPlan } from '../../api-keys/rules/assert-within-plan.ts';
import type { PlanBounds } from '../../api-keys/rules/assert-within-plan.ts';
import { auditSource } from '../../audit/audit-event.ts';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { Clock } from '../../clock.ts';
import { AppError } from '../../errors.ts';
import type { CiCaller } from '../../http/caller.ts';
import { assertWithinPolicy } from '../policies/ceiling.ts';
import type { Offered } from '../policies/ceiling.ts';
import { assertPlace } from '../policies/key-quota.ts';
import type { CountKeys } from '../policies/key-quota.ts';
import type { PolicyRepository } from '../policies/policy-repository.ts';
import type { Policy } from '../policies/policy.ts';
import type { SessionRepository } from './session-repository.ts';

type Deps = {
  policies: Pick<PolicyRepository, 'hold'>;
  sessions: Pick<SessionRepository, 'hold'>;
  /** Locks the tenant until the transaction ends. @throws AppError `billing_inactive` */
  admit: (trx: Knex.Transaction, organizationId: string) => Promise<{ ciKeyLimit: number } & PlanBounds>;
  countKeys: CountKeys;
  provision: (request: Provision) => Promise<ProvisionedKey>;
  catalogue: Offered;
  audit: Pick<AuditLog, 'append'>;
  clock: Clock;
};

/** A client's clock may be ahead by this; the key's lifetime is not longer for it. */
const CLOCK_SKEW_MS = 60_000;

/**
 * Creates a key for a CI session, within the ceiling of its policy as it is now. The key is one of the policy: it counts
 * towards its quota, and has run, commit and actor of the job as metadata.
 * @throws AppError `permission_denied` with `details.allowed`, `key_limit_reached`, `billing_inactive`, `validation_error`,
 * `credential_invalid` for a session that ended meanwhile, `workos_rejected`, `workos_unavailable`
 */
export function makeCreateSessionKey(deps: Deps): CreateKey<CiCaller> {
  return async function createSessionKey(caller, input, context, repeatable) {
    const { environment, settings, permissionSet, chosenScopes } = input;
    let metadata: Key['metadata'] = settings.metadata;
    return deps.provision({
      name: 'create',
      caller,
      ...(repeatable.rowId !== undefined && { rowId: repeatable.rowId }),
      template: {
        ...settings,
        environment,
        ownerUserId: undefined,
        permissionSet,
        scopes: chosenScopes ?? deps.catalogue.scopesOf(permissionSet ?? ''),
        expiresAt: undefined,
        rotatedFrom: undefined,
      },
      async reserve(trx) {
        const { ciKeyLimit, ...plan } = await deps.admit(trx, caller.organizationId);
        const { policy, session } = await held(deps, trx, caller);
        const now = deps.clock();
        const expiresAt = expiryWithin(policy, input, deps.catalogue, now);
        const expiry = { at: expiresAt, field: input.expiry?.field ?? ('expires_at' as const) };
        expiryWithinPlan({ ...settings, permissionSet, expiry }, plan, now);
        await assertPlace(deps.countKeys, trx, policy, { ciKeyLimit, now });
        metadata = { ...settings.metadata, ...session.keyMetadata, ci_session: session.id };
        return { expiresAt, metadata };
      },
      // The policy may have been deleted with its keys since; this one would be left.
      async inherit(trx) {
        await held(deps, trx, caller);
        return { ...settings, metadata };
      },
      async complete(trx, made) {
        const details = { ...describeNewKey(made.key), ci_session: caller.sessionId };
        const source = auditSource(caller, context);
        await deps.audit.append(trx, keyEvent(caller.organizationId, made.key.id, 'api_key.created', source, details));
        await repeatable.complete(trx, made);
      },
    });
  };
}

/** Reads the session and its policy, and keeps both as they are until the transaction ends. */
async function held({ policies, sessions }: Deps, trx: Knex.Transaction, caller: CiCaller) {
  const { organizationId, policyId, sessionId } = caller;
  const policy = await policies.hold(trx, organizationId, policyId);
  const session = sessionId === undefined ? undefined : await sessions.hold(trx, { organizationId, id: sessionId });
  if (!policy?.enabled || !session)
    throw new AppError('credential_invalid', 'This CI session has ended, or its policy has. Exchange a new token.');
  return { policy, session };
}

/** @returns the expiry, the latest that the policy allows where the request names none */
function expiryWithin(policy: Policy, input: CreateKeyInput, offered: Offered, now: Date): Date {
  const longestMs = policy.maxLifetimeSeconds * 1_000;
  const { environment, permissionSet, chosenScopes: scopes, expiry } = input;
  const lifetimeMs = expiry === undefined ? longestMs : lifetimeOf(expiry.at, longestMs, now);
  assertWithinPolicy(policy, { environment, permissionSet, scopes, lifetimeSeconds: lifetimeMs / 1_000 }, offered);
  return new Date(now.getTime() + lifetimeMs);
}

function lifetimeOf(at: Date | null, longestMs: number, now: Date): number {
  const lifetimeMs = at === null ? Infinity : at.getTime() - now.getTime();
  return lifetimeMs > longestMs && lifetimeMs <= longestMs + CLOCK_SKEW_MS ? longestMs : lifetimeMs;
}
