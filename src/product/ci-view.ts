import { z } from 'zod';
import { CI_PRESETS } from './ci-rules.ts';

const CiIssuer = z.object({
  name: z.string().describe('Name by which policies choose it.'),
  kind: z
    .enum([...CI_PRESETS, 'own'])
    .describe('The CI whose rules hold: a preset, or `own` for an issuer with rules of the operator alone.'),
  url: z.string().describe('Its address; with `{organization}` where each organization of that CI has an issuer.'),
  needs_organization: z.boolean().describe('Whether a policy gives `issuer_organization`.'),
  pins: z
    .array(
      z.object({
        claims: z.array(z.string()).describe('Claims with immutable ids, each of which needs exact values.'),
        with_more: z.boolean().describe('Whether a further condition is needed beside them.'),
      }),
    )
    .describe('Sets of claims, of which a policy pins one; the usual one first.'),
  claims: z
    .array(z.string())
    .describe(
      'Claims that the audit log has, so that a dry run can judge conditions on them. Others may be conditions, too.',
    ),
  refused: z
    .record(z.string(), z.array(z.string()))
    .describe('Values by claim that are refused unless a condition lists them.'),
  companions: z.record(z.string(), z.string()).describe('A condition on the first claim needs one on the second.'),
});

/** What `GET /v1/product` says of keyless CI. */
export const CiView = z
  .object({
    audience: z
      .string()
      .describe("The `aud` of a job's token is this address, then `/ci/`, then the id of the organization."),
    guide_url: z.string().nullable().describe("The product's own guide for CI jobs; null if not configured."),
    issuers: z.array(CiIssuer).describe('Issuers whose tokens jobs may exchange.'),
    reserved_claims: z
      .array(z.string())
      .describe('Claims that the exchange judges itself: no policy has conditions on them.'),
    permission_sets: z.array(z.string()).describe('Permission sets that a policy may allow.'),
    scopes: z.array(z.string()).describe('Scopes that a policy may allow one by one.'),
    environments: z.array(z.enum(['live', 'test'])).describe('Environments that a policy may allow.'),
    lifetime_seconds: z
      .object({ min: z.int(), default: z.int(), max: z.int() })
      .describe('Bounds of `max_lifetime_seconds` of a policy, and its default.'),
    active_keys: z
      .object({ default: z.int(), max: z.int() })
      .describe('Bounds of `max_active_keys` of a policy, and its default.'),
    max_policies: z.int().describe('Most policies of an organization.'),
  })
  .meta({ id: 'ProductCi' });

export type CiFacts = z.input<typeof CiView>;
