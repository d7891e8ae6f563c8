import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { MachineCaller, ServiceCaller } from '../http/caller.ts';
import { serviceOrMachineRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import { time } from '../http/time.ts';
import { ID, NO_ORGANIZATION_ID, ORGANIZATION_ID } from '../ids.ts';
import type { NoteUse } from './use.ts';

type Deps = {
  noteUse: NoteUse;
  /** Maps key ids to their organizations; without ids that are no key's. */
  ownersOf: (keyIds: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  /** The codes of verdicts. */
  codes: readonly string[];
  /** Whether the product has a scope of this name. */
  isScope: (name: string) => boolean;
  clock: Clock;
};

const MAX_USES = 1_000;
const MAX_COUNT = 1_000_000;
/** Enough for `MAX_USES` of usual length. */
const MAX_BODY_BYTES = 256 * 1024;
/** Reports of older uses are refused. */
const BEHIND_MS = 24 * 3_600_000;

const id = z.string().regex(ID, 'This is not an id.');

/** For services that check keys in memory, without a verification that Latchkey could count. */
export function reportUsageRoute(deps: Deps): Route {
  return serviceOrMachineRoute({
    operationId: 'reportUsage',
    method: 'post',
    path: '/v1/usage',
    tag: 'Usage',
    summary: 'Report uses of keys that were checked without Latchkey',
    description:
      'For services that cache verdicts. Each entry adds `count` to the outcomes `code` of a key in the hour of `last_used_at`. Entries whose `id` is not a key of the organization are skipped; `accepted` counts the others. A machine token reports keys of its own organization only. Report each use once: a report that is repeated because its answer was lost counts twice.',
    scope: ['apikeys:verify'],
    body: bodySchema(deps),
    maxBodyBytes: MAX_BODY_BYTES,
    responses: { 202: z.object({ accepted: z.int() }).meta({ id: 'ReportedUsage' }) },
    errors: [],
    handle: async ({ caller, body }) => ({ accepted: await report(deps, caller, body.uses) }),
  });
}

type ReportedUse = z.output<ReturnType<typeof bodySchema>>['uses'][number];

function bodySchema({ codes, clock }: Deps) {
  const lastUsedAt = time('Give a time in ISO 8601, such as 2027-01-31T12:00:00Z.')
    .refine((value) => Date.parse(value) >= clock().getTime() - BEHIND_MS, 'This must be within the last day.')
    .describe('When the last of these uses was. A time ahead of the service’s clock counts as now.');
  const one = z.strictObject({
    id: id.describe('The id of the key.'),
    organization_id: z.string().regex(ORGANIZATION_ID, NO_ORGANIZATION_ID),
    code: z.enum(codes as [string, ...string[]]),
    count: z.int().min(1).max(MAX_COUNT),
    last_used_at: lastUsedAt,
    ip: z.string().max(64).optional().describe('The address of the client; ignored if it is not an IP address.'),
    user_agent: z.string().max(256).optional(),
    scopes: z
      .array(z.string().max(64))
      .max(100)
      .optional()
      .describe('The scopes that these uses required, for access reviews; unknown ones are ignored.'),
  });
  return z.strictObject({ uses: z.array(one).min(1).max(MAX_USES) }).meta({ id: 'ReportUsage' });
}

async function report(
  { noteUse, ownersOf, isScope, clock }: Deps,
  caller: ServiceCaller | MachineCaller,
  uses: readonly ReportedUse[],
): Promise<number> {
  if (caller.kind === 'machine' && uses.some((use) => use.organization_id !== caller.organizationId)) {
    throw new AppError('permission_denied', 'The credential belongs to another organization.');
  }
  const owners = await ownersOf([...new Set(uses.map(({ id }) => id))]);
  const nowMs = clock().getTime();
  const known = uses.filter(({ id, organization_id }) => owners.get(id) === organization_id);
  for (const use of known) {
    noteUse({
      organizationId: use.organization_id,
      keyId: use.id,
      code: use.code,
      // A clock that is ahead would hide the uses that come next, and refusing the report would lose all of them.
      atMs: Math.min(Date.parse(use.last_used_at), nowMs),
      count: use.count,
      ip: use.ip,
      userAgent: use.user_agent,
      scopes: use.scopes?.filter(isScope),
    });
  }
  return known.length;
}
