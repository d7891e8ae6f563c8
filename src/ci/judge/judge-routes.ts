import { z } from 'zod';
import type { KeyChanges } from '../../api-keys/rules/key-changes.ts';
import { AppError } from '../../errors.ts';
import type { TenantCaller } from '../../http/caller.ts';
import { tenantRoute } from '../../http/route.ts';
import type { Route } from '../../http/route.ts';
import { policyNotFound } from '../policies/change-policies.ts';
import type { PolicyRepository } from '../policies/policy-repository.ts';
import { POLICY_ID, readSettings } from '../policies/policy-schemas.ts';
import type { PolicySchemas } from '../policies/policy-schemas.ts';
import type { PolicySettings } from '../policies/policy.ts';
import { MAX_READ } from './judge-draft.ts';
import type { JudgeDraft, JudgedDraft, JudgedExchange } from './judge-draft.ts';

const MAX_SHOWN = 100;
const READS_AUDIT = 'audit:read';

const Judged = z
  .object({
    since: z.iso.datetime().describe('Exchanges since then were read: those of the last 30 days.'),
    complete: z
      .boolean()
      .describe(`Whether all of them were read; false where there were more than ${MAX_READ.toLocaleString('en')}.`),
    admitted: z.int().describe('Past exchanges and refusals that the draft would admit.'),
    refused: z.int().describe('Those that it would refuse.'),
    unknown: z.int().describe('Those of which the audit log does not have all claims that the draft asks for.'),
    data: z
      .array(
        z.object({
          event_id: z.string().describe('The audit event.'),
          occurred_at: z.iso.datetime(),
          policy: z.string().describe('The CI policy of then.'),
          was: z.enum(['admitted', 'refused']),
          would_be: z.enum(['admitted', 'refused', 'unknown']),
          mismatch: z
            .array(z.object({ claim: z.string(), value: z.string().nullable() }))
            .describe('The conditions of the draft that fail, with the values of then.'),
          unknown_claims: z.array(z.string()).describe('Claims of the draft that the audit log does not have.'),
          claims: z.record(z.string(), z.string()),
        }),
      )
      .describe(`What the draft would change, and what is unknown: the newest ${MAX_SHOWN}.`),
  })
  .meta({ id: 'JudgedCiPolicy' });

type Deps = {
  schemas: PolicySchemas;
  policies: Pick<PolicyRepository, 'find'>;
  judgeDraft: JudgeDraft;
  keyChanges: Pick<KeyChanges, 'count'>;
};

/** The route that judges a draft of a CI policy by what happened. */
export function judgeRoute({ schemas, policies, judgeDraft, keyChanges }: Deps): Route {
  const Body = z
    .strictObject({
      draft: schemas.CreateBody,
      policy: z
        .string()
        .regex(POLICY_ID, 'Give the id of a CI policy (cipol_…).')
        .optional()
        .describe('Judge the exchanges of this policy alone; if not given, those of all policies of the issuer.'),
    })
    .meta({ id: 'JudgeCiPolicy' });
  return tenantRoute({
    operationId: 'judgeCiPolicy',
    method: 'post',
    path: '/v1/ci/policies/dry-run',
    tag: 'CI',
    summary: 'Judge a draft of a CI policy by the exchanges of the last 30 days, and change nothing',
    description:
      'Says which past exchanges and refusals the draft would admit or refuse. It judges the claims in the audit log, so the caller needs `audit:read`, too; the keys that were asked for are not judged.',
    scope: ['apikeys:write'],
    callers: ['user', 'machine'],
    billing: 'read',
    body: Body,
    responses: { 200: Judged },
    errors: ['ci_policy_not_found'],
    async handle({ caller, body }) {
      assertReadsAudit(caller);
      const { organizationId } = caller;
      await keyChanges.count(organizationId);
      if (body.policy !== undefined && !(await policies.find(organizationId, body.policy))) throw policyNotFound();
      return view(await judgeDraft(organizationId, readSettings(body.draft) as PolicySettings, body.policy));
    },
  });
}

function assertReadsAudit(caller: TenantCaller): void {
  if (caller.scopes.has(READS_AUDIT)) return;
  throw new AppError('permission_denied', `This needs the scope ${READS_AUDIT}, too.`, {
    details: { required_scopes: [READS_AUDIT] },
  });
}

function view({ since, complete, judged }: JudgedDraft): z.input<typeof Judged> {
  const count = (outcome: JudgedExchange['outcome']) => judged.filter((one) => one.outcome === outcome).length;
  return {
    since: since.toISOString(),
    complete,
    admitted: count('admitted'),
    refused: count('refused'),
    unknown: count('unknown'),
    data: judged
      .filter(({ was, outcome }) => was !== outcome)
      .slice(0, MAX_SHOWN)
      .map(viewExchange),
  };
}

function viewExchange({ event, was, outcome, mismatch, unknownClaims, claims }: JudgedExchange) {
  return {
    event_id: event.id,
    occurred_at: event.occurredAt.toISOString(),
    policy: event.target.id,
    was,
    would_be: outcome,
    mismatch,
    unknown_claims: unknownClaims,
    claims: { ...claims },
  };
}
