import { z } from 'zod';
import { ENVIRONMENTS } from '../api-keys/key.ts';
import { KeyOwner } from '../api-keys/key-schemas.ts';
import { AppError } from '../errors.ts';
import { OPERATIONS, POSTURES } from '../tenants/posture.ts';
import type { MachineCaller, ServiceCaller } from '../http/caller.ts';
import { serviceOrMachineRoute } from '../http/route.ts';
import type { RequestContext, Route } from '../http/route.ts';
import type { GiveBack } from '../limits/leases/give-back.ts';
import type { Decide, Decision } from './decide.ts';
import { VERDICTS } from './judge.ts';
import { allOrNone, keepLeases } from './keep-leases.ts';
import { limitHeaders } from './limit-answer.ts';
import { AskedKey, questionOf } from './question.ts';
import { isUnsought } from './resolve-key.ts';
import type { Origin, ResolveKey, Unsought } from './resolve-key.ts';
import { viewOfVerdict } from './verdict-view.ts';

type Deps = { resolveKey: ResolveKey; decide: Decide; giveBack: GiveBack };

const MAX_KEYS = 100;
const RETRY_SECONDS = 1;
export const VERIFY_PATH = '/v1/api-keys/verify';

const Many = z.strictObject({ keys: z.array(AskedKey).min(1).max(MAX_KEYS) });

const RateLimit = z
  .object({
    limit: z.int(),
    window_seconds: z.int(),
    remaining: z.int(),
    reset: z.int().describe('Seconds until the window ends and all is there again.'),
    scope: z
      .enum(['key', 'organization'])
      .describe('Whose rate it is: the one that refused, or that has the least left.'),
  })
  .meta({ id: 'RateLimitState' });

const Lease = z
  .object({ id: z.string(), expires_at: z.iso.datetime() })
  .meta({ id: 'Lease' })
  .describe("One of the key's places for requests at a time. Release it when the request ends; it ends by itself.");

const Billing = z
  .object({
    posture: z.enum(POSTURES),
    allows: z.array(z.enum(OPERATIONS)).describe('For which operations the key verifies.'),
    changes_at: z.iso.datetime().nullable().describe('When the posture ends by the clock, such as a trial.'),
  })
  .meta({ id: 'KeyBilling' });

const Verdict = z
  .object({
    valid: z.boolean(),
    code: z.enum(VERDICTS),
    id: z.string().nullable(),
    organization_id: z.string().nullable(),
    environment: z.enum(ENVIRONMENTS).nullable(),
    owner: KeyOwner.nullable(),
    label: z.string().nullable(),
    permission_set: z.string().nullable(),
    scopes: z.array(z.string()),
    expires_at: z.iso.datetime().nullable(),
    ip_restricted: z
      .boolean()
      .describe('Whether it is good from some addresses only, so that each use is to be asked about with its `ip`.'),
    rate_limit: RateLimit.nullable().describe('Null where no rate is limited.'),
    lease: Lease.nullable(),
    retry_after: z
      .int()
      .nullable()
      .describe('Seconds to wait, of a key that a limit refused, or that WorkOS could not be asked about.'),
    enforcement: z
      .enum(['local', 'shared', 'none', 'unavailable'])
      .nullable()
      .describe(
        'By whose count limits were judged: this replica’s, the one that all replicas share, nobody’s (the shared one is lost; `none` let it pass, `unavailable` refused it). Null where nothing is limited.',
      ),
    billing: Billing.nullable(),
    checked_at: z.iso.datetime(),
    source: z.enum(['cache', 'mirror', 'workos']).nullable().describe('Where the answer came from.'),
    stale_ms: z.int().describe('How long ago the mirror was read; changes are told, so that this is no delay.'),
    stale: z
      .boolean()
      .describe(
        'True where the database cannot be asked and the operator lets memory answer: what changed since may be missing.',
      ),
  })
  .meta({ id: 'Verdict' });

/** Whether keys are good, for the product's own services. */
export function verifyRoutes(deps: Deps): Route[] {
  return [
    serviceOrMachineRoute({
      operationId: 'verifyApiKey',
      method: 'post',
      path: VERIFY_PATH,
      fastPath: true,
      tag: 'Verification',
      summary: 'Whether a key is good, and for what',
      description:
        'Answers 200 for every key; read `code`. A machine token sees its own organization’s keys only, and what it presents in vain counts for its organization, whatever `ip` it gives. Give `keys` for up to 100 at once. Where WorkOS would have to say whether a key is good and cannot be asked now, one key is 503 `workos_unavailable`, and one of many has this as its `code`.',
      scope: ['apikeys:verify'],
      body: z.union([AskedKey, Many]).meta({ id: 'VerifyApiKey' }),
      responses: { 200: z.union([Verdict, z.object({ data: z.array(Verdict) })]) },
      errors: [],
      async handle({ caller, body, context }) {
        if ('keys' in body) {
          const decisions = await allOrNone(
            deps.giveBack,
            body.keys.map((one) => verify(deps, caller, one, context.ip, asUnsought)),
          );
          await keepLeases(deps.giveBack, context, decisions);
          return { data: decisions.map(viewOfVerdict) };
        }
        const decision = await verify(deps, caller, body, context.ip);
        await keepLeases(deps.giveBack, context, [decision]);
        tell(context, decision);
        return viewOfVerdict(decision);
      },
    }),
  ];
}

async function verify(
  { resolveKey, decide }: Deps,
  caller: ServiceCaller | MachineCaller,
  { key, ...use }: z.output<typeof AskedKey>,
  callerIp: string | undefined,
  unavailable: (error: unknown) => Unsought = rethrow,
): Promise<Decision> {
  const found = await resolveKey(key, originOf(caller, use.ip, callerIp)).catch(unavailable);
  const foreign =
    caller.kind === 'machine' && !isUnsought(found) && found?.record.organizationId !== caller.organizationId;
  return decide(foreign ? undefined : found, questionOf({ key, ...use }));
}

/** A service is believed where a key came from. A tenant answers for what it asks about itself. */
function originOf(caller: ServiceCaller | MachineCaller, ip: string | undefined, callerIp: string | undefined): Origin {
  if (caller.kind === 'machine') return { guesser: { organizationId: caller.organizationId }, counted: true };
  return { guesser: { address: ip ?? callerIp }, counted: ip !== undefined };
}

function rethrow(error: unknown): never {
  throw error;
}

/** Of many keys, one that WorkOS would have to be asked about is no reason to say nothing of the others. */
function asUnsought(error: unknown): Unsought {
  if (!(error instanceof AppError) || error.code !== 'workos_unavailable') throw error;
  return { unavailableSeconds: error.retryAfterSeconds ?? RETRY_SECONDS };
}

function tell({ describe, setHeader }: RequestContext, { code, taken }: Decision): void {
  describe({ verdict: code });
  for (const [name, value] of taken ? limitHeaders(taken) : []) setHeader(name, value);
}
