import { z } from 'zod';
import { POSTURES } from '../billing/posture.ts';
import type { Clock } from '../clock.ts';
import type { MachineCaller, ServiceCaller } from '../http/caller.ts';
import { serviceOrMachineRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import { OPERATIONS, VERDICTS, judge } from './judge.ts';
import type { ResolveKey } from './resolve-key.ts';
import { viewOfVerdict } from './verdict-view.ts';

type Deps = { resolveKey: ResolveKey; clock: Clock };

const MAX_KEYS = 100;
const MAX_KEY_LENGTH = 512;

const One = z.strictObject({
  key: z.string().min(1).max(MAX_KEY_LENGTH).describe('The key as it was presented.'),
  scopes: z.array(z.string().min(1).max(64)).max(100).default([]).describe('All of these are needed.'),
  operation: z.enum(OPERATIONS).default('read').describe('What the key is to be used for, as billing sees it.'),
});
const Many = z.strictObject({ keys: z.array(One).min(1).max(MAX_KEYS) });

const Verdict = z
  .object({
    valid: z.boolean(),
    code: z.enum(VERDICTS),
    id: z.string().nullable(),
    organization_id: z.string().nullable(),
    owner: z.object({ type: z.literal('organization'), id: z.string() }).nullable(),
    label: z.string().nullable(),
    permission_set: z.string().nullable(),
    scopes: z.array(z.string()),
    expires_at: z.iso.datetime().nullable(),
    billing: z.object({ posture: z.enum(POSTURES) }).nullable(),
    checked_at: z.iso.datetime(),
    source: z.enum(['cache', 'mirror', 'workos']).nullable().describe('Where the answer came from.'),
    stale_ms: z.int().describe('How long ago the mirror was read; changes are told, so that this is no delay.'),
  })
  .meta({ id: 'Verdict' });

/** Whether keys are good, for the product's own services. */
export function verifyRoutes(deps: Deps): Route[] {
  return [
    serviceOrMachineRoute({
      operationId: 'verifyApiKey',
      method: 'post',
      path: '/v1/api-keys/verify',
      tag: 'Verification',
      summary: 'Whether a key is good, and for what',
      description:
        'Answers 200 for every key; read `code`. A machine token sees its own organization’s keys only. Give `keys` for up to 100 at once.',
      scope: ['apikeys:verify'],
      body: z.union([One, Many]).meta({ id: 'VerifyApiKey' }),
      responses: { 200: z.union([Verdict, z.object({ data: z.array(Verdict) })]) },
      errors: [],
      async handle({ caller, body }) {
        if (!('keys' in body)) return verify(deps, caller, body);
        return { data: await Promise.all(body.keys.map((one) => verify(deps, caller, one))) };
      },
    }),
  ];
}

async function verify(
  { resolveKey, clock }: Deps,
  caller: ServiceCaller | MachineCaller,
  { key, ...use }: z.output<typeof One>,
): Promise<z.input<typeof Verdict>> {
  const found = await resolveKey(key);
  const foreign = caller.kind === 'machine' && found?.record.organizationId !== caller.organizationId;
  const resolved = foreign ? undefined : found;
  const now = clock();
  return viewOfVerdict(judge(resolved?.record, use, now), resolved, now);
}
