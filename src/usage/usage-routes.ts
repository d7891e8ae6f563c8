import { z } from 'zod';
import type { Clock } from '../clock.ts';
import type { TenantCaller } from '../http/caller.ts';
import { commaSeparated } from '../http/comma-separated.ts';
import { tenantRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import { time } from '../http/time.ts';
import { invalidFields } from '../http/validate.ts';
import { ID } from '../ids.ts';
import { INTERVALS, bucketsOf, readRange } from './usage-range.ts';
import type { UsageRange } from './usage-range.ts';
import type { BucketCount, LastUse, UsageReader } from './usage-reader.ts';

type Deps = {
  /** @throws AppError `api_key_not_found`, also for a key that the caller does not reach */
  findKey: (caller: TenantCaller, id: string) => Promise<unknown>;
  /** Returns those of the ids that the caller reaches. */
  reachedAmong: (caller: TenantCaller, ids: readonly string[]) => Promise<ReadonlySet<string>>;
  /** The scopes that may read a key's usage. */
  mayReadKeys: readonly string[];
  usage: UsageReader;
  clock: Clock;
};

const TAG = 'Usage';
const MAY_READ = ['apikeys:read', 'apikeys:write'];
const BUSIEST = 10;
const GIVE_A_TIME = 'Give a time in ISO 8601, such as 2027-01-31T12:00:00Z.';

const Query = z.strictObject({
  from: time(GIVE_A_TIME).optional().describe('24 hours before `to` by hour, and 30 days by day, unless given.'),
  to: time(GIVE_A_TIME).optional().describe('Now, unless given; the future is left out.'),
  interval: z.enum(INTERVALS).default('hour'),
});

const codes = z.record(z.string(), z.int()).describe('Counts by verdict code, without codes that did not occur.');
const UsageBucket = z.object({ start: z.iso.datetime(), total: z.int(), codes }).meta({
  id: 'UsageBucket',
  example: { start: '2027-01-31T12:00:00.000Z', total: 4, codes: { valid: 3, revoked: 1 } },
});
const lastUse = {
  last_used_at: z.iso.datetime().nullable().describe('The key’s last use with a `valid` verdict.'),
  last_used_ip: z.string().nullable().describe('The address of that use, if it is known.'),
  last_used_agent: z.string().nullable().describe('The kind of client of that use, such as `curl` or `Chrome`.'),
};
const counted = {
  from: z.iso.datetime().describe('The beginning of the first bucket.'),
  to: z.iso.datetime().describe('The end of the last one.'),
  interval: z.enum(INTERVALS),
  data: z.array(UsageBucket).describe('Every bucket of the range, first to last, including empty ones.'),
  total: z.int(),
  codes,
};
const KeyUsage = z.object({ ...counted, ...lastUse }).meta({ id: 'KeyUsage' });
const OrganizationUsage = z
  .object({
    ...counted,
    keys: z
      .array(z.object({ id: z.string(), total: z.int(), last_used_at: lastUse.last_used_at }))
      .describe(`The ${BUSIEST} keys with the most uses in the range, the busiest first.`),
  })
  .meta({ id: 'OrganizationUsage' });

const KeysUsage = z
  .object({
    from: counted.from,
    to: counted.to,
    interval: counted.interval,
    data: z
      .array(
        z.object({
          id: z.string(),
          total: z.int(),
          codes,
          data: z
            .array(z.object({ start: z.iso.datetime(), total: z.int() }))
            .describe('Every bucket of the range, first to last, including empty ones.'),
        }),
      )
      .describe('The keys in the order of `ids`, without those that the caller cannot read.'),
  })
  .meta({ id: 'ApiKeysUsage' });

const MAX_IDS = 100;
/** Buckets of all keys together: what 100 keys have in eight days by hour. */
const MAX_BUCKETS = 20_000;
const HOW_MANY = `Give 1 to ${MAX_IDS} ids of keys, separated by commas.`;

const ids = commaSeparated(z.string().regex(ID), { max: MAX_IDS, error: HOW_MANY }).describe(HOW_MANY);

const DESCRIPTION =
  'Every verification counts, valid or refused, in its hour or day (UTC). The range is widened to whole buckets: at most 31 days by hour, or 400 days by day. Counts are written every `LATCHKEY_USAGE_FLUSH_MS` (a second unless configured), so the latest verifications may be missing.';

export function usageRoutes(deps: Deps): Route[] {
  return [keyUsageRoute(deps), keysUsageRoute(deps), organizationUsageRoute(deps)];
}

function keyUsageRoute({ findKey, mayReadKeys, usage, clock }: Deps): Route {
  return tenantRoute({
    operationId: 'getApiKeyUsage',
    method: 'get',
    path: '/v1/api-keys/{id}/usage',
    tag: TAG,
    summary: 'Get the usage of an API key',
    description: DESCRIPTION,
    scope: mayReadKeys,
    billing: 'read',
    params: z.object({ id: z.string().max(1024).describe('The id of the key.') }),
    query: Query,
    responses: { 200: KeyUsage },
    errors: ['api_key_not_found'],
    async handle({ caller, params: { id }, query }) {
      const { organizationId } = caller;
      const range = readRange(query, clock());
      await findKey(caller, id);
      const [counts, lastUses] = await Promise.all([
        usage.countsOf(organizationId, id, range),
        usage.lastUsesOf(organizationId, [id]),
      ]);
      return { ...viewCounts(counts, range), ...viewLastUse(lastUses.get(id)) };
    },
  });
}

function keysUsageRoute({ reachedAmong, mayReadKeys, usage, clock }: Deps): Route {
  return tenantRoute({
    operationId: 'getApiKeysUsage',
    method: 'get',
    path: '/v1/api-keys/usage',
    tag: TAG,
    summary: 'Get the usage of several API keys',
    description: `${DESCRIPTION} Of all keys together at most ${MAX_BUCKETS.toLocaleString('en')} hours or days.`,
    scope: mayReadKeys,
    billing: 'read',
    query: Query.extend({ ids }),
    responses: { 200: KeysUsage },
    errors: [],
    async handle({ caller, query: { ids: asked, ...query } }) {
      const range = readRange(query, clock());
      assertFew(asked, range);
      const reached = await reachedAmong(caller, asked);
      const shown = asked.filter((id) => reached.has(id));
      const counts = await usage.countsOfKeys(caller.organizationId, shown, range);
      const { from, to, interval } = range;
      return {
        from: from.toISOString(),
        to: to.toISOString(),
        interval,
        data: shown.map((id) => viewKey(id, counts.get(id) ?? [], range)),
      };
    },
  });
}

function assertFew(asked: readonly string[], range: UsageRange): void {
  if (asked.length * bucketsOf(range).length <= MAX_BUCKETS) return;
  const most = Math.floor(MAX_BUCKETS / asked.length);
  throw invalidFields({ from: `For ${asked.length} keys, at most ${most} ${range.interval}s.` });
}

function viewKey(id: string, counts: readonly BucketCount[], range: UsageRange) {
  const { data, total, codes: byCode } = viewCounts(counts, range);
  return { id, total, codes: byCode, data: data.map((bucket) => ({ start: bucket.start, total: bucket.total })) };
}

function organizationUsageRoute({ usage, clock }: Deps): Route {
  return tenantRoute({
    operationId: 'getOrganizationUsage',
    method: 'get',
    path: '/v1/organization/usage',
    tag: TAG,
    summary: "Get the usage of the organization's API keys",
    description: DESCRIPTION,
    scope: MAY_READ,
    billing: 'read',
    query: Query,
    responses: { 200: OrganizationUsage },
    errors: [],
    async handle({ caller: { organizationId }, query }) {
      const range = readRange(query, clock());
      const [counts, keys] = await Promise.all([
        usage.countsOf(organizationId, undefined, range),
        usage.busiest(organizationId, range, BUSIEST),
      ]);
      const lastUses = await usage.lastUsesOf(
        organizationId,
        keys.map(({ keyId }) => keyId),
      );
      const usedAt = (id: string) => lastUses.get(id)?.usedAt.toISOString() ?? null;
      return {
        ...viewCounts(counts, range),
        keys: keys.map(({ keyId, total }) => ({ id: keyId, total, last_used_at: usedAt(keyId) })),
      };
    },
  });
}

function viewCounts(counts: readonly BucketCount[], range: UsageRange) {
  const byStart = Map.groupBy(counts, ({ startMs }) => startMs);
  const data = bucketsOf(range).map((startMs) => ({
    start: new Date(startMs).toISOString(),
    ...sumUp(byStart.get(startMs) ?? []),
  }));
  const { from, to, interval } = range;
  return { from: from.toISOString(), to: to.toISOString(), interval, data, ...sumUp(counts) };
}

function sumUp(counts: readonly BucketCount[]): { total: number; codes: Record<string, number> } {
  const codes: Record<string, number> = {};
  for (const { code, count } of counts) codes[code] = (codes[code] ?? 0) + count;
  return { total: counts.reduce((sum, { count }) => sum + count, 0), codes };
}

function viewLastUse(use: LastUse | undefined) {
  return {
    last_used_at: use?.usedAt.toISOString() ?? null,
    last_used_ip: use?.ip ?? null,
    last_used_agent: use?.agent ?? null,
  };
}
