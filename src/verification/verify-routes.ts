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
import { isUnresolved } from './resolve-key.ts';
import type { Origin, ResolveKey, Unresolved } from './resolve-key.ts';
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
    reset: z.int().describe('Seconds until the next window, when `remaining` is `limit` again.'),
    scope: z
      .enum(['key', 'organization'])
      .describe(
        'Whether this is the key’s rate or its organization’s: the one that refused, else the one with the least left.',
      ),
  })
  .meta({ id: 'RateLimitState' });

const Lease = z
  .object({ id: z.string(), expires_at: z.iso.datetime() })
  .meta({ id: 'Lease' })
  .describe("One of the key's concurrency slots. Release it when the request ends; otherwise it expires.");

const Billing = z
  .object({
    posture: z.enum(POSTURES),
    allows: z.array(z.enum(OPERATIONS)).describe('The operations that billing allows.'),
    changes_at: z.iso.datetime().nullable().describe('When the clock ends the posture, such as a trial.'),
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
      .describe('Whether an address allow list applies, so that each use needs a verification with its `ip`.'),
    rate_limit: RateLimit.nullable().describe('Null if no rate is limited.'),
    lease: Lease.nullable(),
    retry_after: z
      .int()
      .nullable()
      .describe('Seconds to wait after a limit refused, or while WorkOS cannot be asked about the key.'),
    enforcement: z
      .enum(['local', 'shared', 'none', 'unavailable'])
      .nullable()
      .describe(
        'Which counter judged the limits: `local` is this replica’s, `shared` the one of all replicas. While the shared one is lost, `none` let the request pass and `unavailable` refused it. Null if nothing is limited.',
      ),
    billing: Billing.nullable(),
    checked_at: z.iso.datetime(),
    source: z.enum(['cache', 'mirror', 'workos']).nullable().describe('Where the key was found.'),
    stale_ms: z
      .int()
      .describe('Milliseconds since the mirror was read. Changes invalidate it at once, so this is not a delay.'),
    stale: z
      .boolean()
      .describe(
        'True if the database cannot be reached and the operator lets memory answer: recent changes may be missing.',
      ),
  })
  .meta({ id: 'Verdict' });

/** Verifies keys for the product's own services. */
export function verifyRoutes(deps: Deps): Route[] {
  return [
    serviceOrMachineRoute({
      operationId: 'verifyApiKey',
      method: 'post',
      path: VERIFY_PATH,
      fastPath: true,
      tag: 'Verification',
      summary: 'Verify an API key',
      description:
        'Answers 200 for every key; read `code`. Send `keys` to verify up to 100 at once. A machine token finds its own organization’s keys only; unknown keys count against its organization, whatever `ip` it sends. If only WorkOS knows a key and cannot be asked now, a single key is 503 `workos_unavailable`, and one of many has that as its `code`.',
      scope: ['apikeys:verify'],
      body: z.union([AskedKey, Many]).meta({ id: 'VerifyApiKey' }),
      responses: { 200: z.union([Verdict, z.object({ data: z.array(Verdict) })]) },
      errors: [],
      async handle({ caller, body, context }) {
        if ('keys' in body) {
          const decisions = await allOrNone(
            deps.giveBack,
            body.keys.map((one) => verify(deps, caller, one, context.ip, asUnavailable)),
          );
          await keepLeases(deps.giveBack, context, decisions);
          return { data: decisions.map(viewOfVerdict) };
        }
        const decision = await verify(deps, caller, body, context.ip);
        await keepLeases(deps.giveBack, context, [decision]);
        addHeaders(context, decision);
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
  unavailable: (error: unknown) => Unresolved = rethrow,
): Promise<Decision> {
  const found = await resolveKey(key, originOf(caller, use.ip, callerIp)).catch(unavailable);
  const foreign =
    caller.kind === 'machine' && !isUnresolved(found) && found?.record.organizationId !== caller.organizationId;
  return decide(foreign ? undefined : found, questionOf({ key, ...use }));
}

/** Unknown keys count against the address that a service names, or against the tenant that asks. */
function originOf(caller: ServiceCaller | MachineCaller, ip: string | undefined, callerIp: string | undefined): Origin {
  if (caller.kind === 'machine') return { guesser: { organizationId: caller.organizationId }, counted: true };
  return { guesser: { address: ip ?? callerIp }, counted: ip !== undefined };
}

function rethrow(error: unknown): never {
  throw error;
}

/** Turns an unavailable WorkOS into the verdict of one key, so that the others of a batch are answered. */
function asUnavailable(error: unknown): Unresolved {
  if (!(error instanceof AppError) || error.code !== 'workos_unavailable') throw error;
  return { unavailableSeconds: error.retryAfterSeconds ?? RETRY_SECONDS };
}

function addHeaders({ describe, setHeader }: RequestContext, { code, taken }: Decision): void {
  describe({ verdict: code });
  for (const [name, value] of taken ? limitHeaders(taken) : []) setHeader(name, value);
}
