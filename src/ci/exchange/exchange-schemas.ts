import { z } from 'zod';
import { ENVIRONMENTS } from '../../api-keys/key.ts';
import { ApiKey } from '../../api-keys/key-schemas.ts';
import { ONE_CHOICE } from '../../api-keys/rules/key-choice.ts';
import type { Catalogue } from '../../permissions/catalogue.ts';
import { POLICY_ID, lifetimeSeconds } from '../policies/policy-schemas.ts';

// Source: RFC 8693, sections 2.1 and 2.2.1, in JSON.
const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const JWT = 'urn:ietf:params:oauth:token-type:jwt';
export const API_KEY_TYPE = 'urn:latchkey:token-type:api-key' as const;
export const SESSION_TYPE = 'urn:latchkey:token-type:session' as const;
/** What a policy issues, in the words of an exchange. */
export const TOKEN_TYPES = { api_key: API_KEY_TYPE, session: SESSION_TYPE } as const;

const MAX_TOKEN = 16_384;

export const subjectToken = z.string().min(1).max(MAX_TOKEN).describe("The job's OIDC token.");

/** Makes the schema of an exchange, with the configured permission sets and scopes. */
export function makeExchangeBody({ sets, chosenScopes }: Pick<Catalogue, 'sets' | 'chosenScopes'>) {
  return z
    .strictObject({
      grant_type: z.literal(GRANT),
      subject_token: subjectToken,
      subject_token_type: z.literal(JWT),
      requested_token_type: z
        .enum([API_KEY_TYPE, SESSION_TYPE])
        .optional()
        .describe('What to issue, as the policy has it in `issue`; may be left out.'),
      policy: z
        .string()
        .regex(POLICY_ID, 'Give the id of a CI policy (cipol_…).')
        .describe('The CI policy that trusts the job.'),
      permission_set: z
        .enum(sets.map(({ name }) => name))
        .optional()
        .describe('The permission set of the key; may be left out where the policy allows one alone.'),
      scopes: z
        .array(z.enum([...chosenScopes]))
        .min(1)
        .max(Math.max(chosenScopes.length, 1))
        .refine((given) => new Set(given).size === given.length, 'List each scope once.')
        .optional()
        .describe('Scopes of the key, instead of a permission set.'),
      environment: z.enum(ENVIRONMENTS).optional().describe("If not given, the first of the policy's."),
      lifetime_seconds: lifetimeSeconds
        .optional()
        .describe(
          'Lifetime of the key in seconds; if not given, the longest that the policy allows. A CI session lives at most 15 minutes.',
        ),
    })
    .refine(({ permission_set: set, scopes }) => set === undefined || scopes === undefined, ONE_CHOICE)
    .meta({
      id: 'CiExchange',
      example: {
        grant_type: GRANT,
        subject_token: 'eyJ…',
        subject_token_type: JWT,
        policy: 'cipol_01KA0000000000000000000000',
        lifetime_seconds: 1_800,
      },
    });
}

export type ExchangeBody = z.output<ReturnType<typeof makeExchangeBody>>;

const ExchangedForKey = z
  .object({
    access_token: z.string().describe('The key. This answer is the only one that has it.'),
    issued_token_type: z.literal(API_KEY_TYPE),
    token_type: z.literal('Bearer'),
    expires_in: z.int().describe('Seconds until the key expires.'),
    api_key: ApiKey,
    revoke_token: z.string().describe('Ends the key early, at `POST /v1/ci/revoke`. The key itself cannot.'),
  })
  .meta({ id: 'CiExchangedForKey' });

const ExchangedForSession = z
  .object({
    access_token: z
      .string()
      .describe('The token of the CI session, for the routes of API keys. This answer is the only one that has it.'),
    issued_token_type: z.literal(SESSION_TYPE),
    token_type: z.literal('Bearer'),
    expires_in: z.int().describe('Seconds until the session expires.'),
    session: z.object({
      id: z.string(),
      policy: z.string().describe('The CI policy that bounds its keys.'),
      expires_at: z.iso.datetime(),
    }),
    revoke_token: z.string().describe('Ends the session early, at `POST /v1/ci/revoke`. Keys that it made stay.'),
  })
  .meta({ id: 'CiExchangedForSession' });

export const Exchanged = z.union([ExchangedForKey, ExchangedForSession]).meta({ id: 'CiExchanged' });
