import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { Items, ItemsOf } from '../../background/items.ts';
import type { Clock } from '../../clock.ts';
import type { Config } from '../../config/config.ts';
import type { Route } from '../../http/route.ts';
import { keyScopes, reachOf } from '../../api-keys/rules/key-access.ts';
import type { Reach } from '../../api-keys/rules/key-access.ts';
import { makeOrganizationsOfKeys } from '../../api-keys/rows/key-repository.ts';
import type { KeyRepository } from '../../api-keys/rows/key-repository.ts';
import type { Loop } from '../../background/loop.ts';
import type { Catalogue } from '../../permissions/catalogue.ts';
import { JITTER } from '../../background/run-every.ts';
import { addGauge } from '../../telemetry/metrics.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { makeAgentFamily } from '../../usage/agent-family.ts';
import { makeFlushUsage } from '../../usage/flush-usage.ts';
import type { FlushUsage } from '../../usage/flush-usage.ts';
import { makeKeepPartitions } from '../../usage/keep-partitions.ts';
import { makeRefreshWorkosLastUse } from '../../usage/refresh-workos-last-use.ts';
import type { RefreshAtWorkos } from '../../usage/refresh-workos-last-use.ts';
import { reportUsageRoute } from '../../usage/report-usage-route.ts';
import type { NoteUse } from '../../usage/use.ts';
import { makeUsageMemory } from '../../usage/usage-memory.ts';
import { makeUsageReader } from '../../usage/usage-reader.ts';
import type { LastUsesOf, UsageReader } from '../../usage/usage-reader.ts';
import { usageRoutes } from '../../usage/usage-routes.ts';
import { makeUsageWriter } from '../../usage/usage-writer.ts';
import type { KeyFormat } from '../../api-keys/format/key-format.ts';
import type { WorkosOf } from '../workos/gateway.ts';

type Deps = {
  config: Pick<Config, 'role' | 'usage'>;
  db: Knex;
  metrics: Metrics;
  workosOf: WorkosOf;
  format: Pick<KeyFormat, 'read'>;
  /** The codes of verdicts. */
  codes: readonly string[];
  /** @throws AppError `api_key_not_found`, also for a key of another organization */
  findKey: (organizationId: string, id: string, reach?: Reach) => Promise<unknown>;
  keys: Pick<KeyRepository, 'among'>;
  catalogue: Pick<Catalogue, 'keyOwners' | 'scopeNames'>;
  itemsOf: ItemsOf;
  clock: Clock;
  log: Pick<Logger, 'warn'>;
  /** The most counters of all keys together between two flushes. */
  maxCounters?: number;
};

export type UsageParts = {
  noteUse: NoteUse;
  refreshAtWorkos: RefreshAtWorkos;
  /** The loops of this process's role; the flush runs in every process that answers requests. */
  loops: Loop[];
  routes: Route[];
  lastUsesOf: LastUsesOf;
  /** Writes the remaining uses. Call it after the last request and before the database closes. */
  close(): Promise<void>;
};

/** Some tens of megabytes. */
const MAX_COUNTERS = 100_000;
const PARTITIONS_INTERVAL_MS = 60 * 60_000;
const CLOSE_MS = 5_000;
const FLUSH_LOOP = 'flush_usage';

/** Makes what gathers, writes and shows the uses of keys. */
export function makeUsageParts({ maxCounters = MAX_COUNTERS, ...deps }: Deps): UsageParts {
  const { config, db, metrics, workosOf, format, itemsOf, log } = deps;
  const memory = makeUsageMemory({
    maxCounters,
    // The loop reports and retries a failure.
    onFull: () => void flush().catch(() => undefined),
    onDropped: (uses) => metrics.usageDropped.inc(uses),
  });
  const items = itemsOf(FLUSH_LOOP);
  const { flush, takeBack, writing } = makeFlushUsage({
    memory,
    items,
    writer: makeUsageWriter({ db, familyOf: makeAgentFamily() }),
  });
  addGauge(
    metrics,
    { name: 'latchkey_usage_unwritten', help: 'Uses of keys not in the database yet, by state.', label: 'state' },
    () => ({ waiting: memory.waiting(), writing: writing() }),
  );
  const usage = makeUsageReader(db);
  return {
    noteUse: memory.note,
    refreshAtWorkos: makeRefreshWorkosLastUse({
      async validateKey(presented, environment) {
        // WorkOS does not know a secret that is derived from its own.
        const secret = format.read(presented)?.workosSecret;
        return secret === undefined ? undefined : workosOf(environment).validateKey(secret);
      },
      perMinute: config.usage.workosLastUsePerMinute,
    }),
    loops: makeLoops(
      config,
      { flush, takeBack, items },
      makeKeepPartitions({ db, monthsKept: config.usage.retentionMonths }),
    ),
    routes: makeRoutes(deps, usage, memory.note),
    lastUsesOf: usage.lastUsesOf,
    async close() {
      const failure = await within(CLOSE_MS, flush());
      const unwritten = memory.waiting() + writing();
      if (unwritten > 0) log.warn({ err: failure, unwritten }, 'failed to write uses of keys before shutdown');
    },
  };
}

function makeRoutes(deps: Omit<Deps, 'maxCounters'>, usage: UsageReader, noteUse: NoteUse): Route[] {
  const { db, codes, findKey, keys, catalogue, clock } = deps;
  return [
    ...usageRoutes({
      findKey: (caller, id) => findKey(caller.organizationId, id, reachOf(caller, 'read')),
      reachedAmong: (caller, ids) => keys.among(caller.organizationId, ids, reachOf(caller, 'read')),
      mayReadKeys: keyScopes(catalogue.keyOwners).mayRead,
      usage,
      clock,
    }),
    reportUsageRoute({
      noteUse,
      ownersOf: makeOrganizationsOfKeys(db),
      codes,
      isScope: (name) => catalogue.scopeNames.has(name),
      clock,
    }),
  ];
}

type Flushing = Pick<FlushUsage, 'flush' | 'takeBack'> & { items: Pick<Items, 'deadLetters'> };

function makeLoops(
  { role, usage }: Deps['config'],
  { flush, takeBack, items }: Flushing,
  keepPartitions: () => Promise<void>,
) {
  // With the loop's jitter, no use waits longer than configured.
  const flushing: Loop = {
    name: FLUSH_LOOP,
    everyMs: usage.flushMs / (1 + JITTER),
    async step() {
      await takeBack();
      await flush();
    },
    items: items.deadLetters,
  };
  const keeping: Loop = {
    name: 'keep_usage_partitions',
    everyMs: PARTITIONS_INTERVAL_MS,
    step: keepPartitions,
    bulk: 'One function creates and drops partitions; it takes no items.',
  };
  return [...(role === 'worker' ? [] : [flushing]), ...(role === 'api' ? [] : [keeping])];
}

/** @returns the failure, or a timeout; undefined on success */
async function within(milliseconds: number, work: Promise<void>): Promise<unknown> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const timer = setTimeout(() => resolve(new Error(`not done within ${milliseconds} ms`)), milliseconds);
  work.then(() => resolve(undefined), resolve);
  const failure = await promise;
  clearTimeout(timer);
  return failure;
}
