import { z } from 'zod';
import { publicRoute } from '../../http/route.ts';
import type { Route } from '../../http/route.ts';
import { POLICY_ID } from '../policies/policy-schemas.ts';
import { ISSUES } from '../policies/policy.ts';
import { subjectToken } from './exchange-schemas.ts';
import type { ExplainJob } from './prove-job.ts';

const Body = z
  .strictObject({
    subject_token: subjectToken,
    policy: z.string().regex(POLICY_ID, 'Give the id of a CI policy (cipol_…).'),
  })
  .meta({ id: 'ExplainCiToken' });

const Explained = z
  .object({
    admitted: z.boolean().describe('Whether the policy trusts the job: it is enabled, and all conditions hold.'),
    policy: z.object({ id: z.string(), name: z.string(), issue: z.enum(ISSUES), enabled: z.boolean() }),
    conditions: z.array(
      z.object({
        claim: z.string(),
        value: z.string().nullable().describe("The token's own; null: it has none."),
        holds: z.boolean(),
      }),
    ),
  })
  .meta({ id: 'ExplainedCiToken' });

/** The route that says why a job is refused, or would not be. */
export function explainRoute({ explainJob }: { explainJob: ExplainJob }): Route {
  return publicRoute({
    operationId: 'explainCiToken',
    method: 'post',
    path: '/v1/ci/explain',
    tag: 'CI',
    summary: 'Explain which conditions of a CI policy the token of a CI job fulfils',
    description:
      'Makes nothing, and leaves the token free for an exchange. As the exchange, it says nothing until the token is known to be of the repository or project that the policy pins.',
    body: Body,
    responses: { 200: Explained },
    errors: ['credential_invalid', 'credential_expired', 'rate_limited', 'issuer_unavailable', 'database_unavailable'],
    async handle({ body, context }) {
      const { policy, conditions } = await explainJob({ policyId: body.policy, token: body.subject_token }, context);
      const { id, name, issue, enabled } = policy;
      const admitted = enabled && conditions.every(({ holds }) => holds);
      return { admitted, policy: { id, name, issue, enabled }, conditions };
    },
  });
}
