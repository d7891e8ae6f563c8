import type { Knex } from 'knex';
import { backgroundSource } from '../audit/audit-event.ts';
import type { AuditEvent } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import { isOwnFailure } from '../background/describe-failure.ts';
import type { Items } from '../background/items.ts';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import { grantsRepository as grants } from './grants-repository.ts';
import type { ConfiguredGrant, KnownGrant } from './grants-repository.ts';

/** Finds organizations with active keys of a set or scope; see `makeHoldersOf`. */
export type HoldersOf = (
  trx: Knex.Transaction,
  grant: { permissionSets: readonly string[]; scope: string | undefined },
  after: string,
  limit: number,
) => Promise<{ holders: { organizationId: string; keys: number }[]; next: string | undefined }>;

type Deps = {
  db: Knex;
  /** The grants of the running configuration. */
  configured: readonly ConfiguredGrant[];
  holdersOf: HoldersOf;
  audit: Pick<AuditLog, 'append'>;
  items: Pick<Items, 'each' | 'due'>;
  clock: Clock;
};

/** Organizations per transaction. Each blocks further audit events of its organization until the commit. */
const BATCH = 20;
const SOURCE = backgroundSource('system', 'configuration');
const ACTIONS = { permission_set: 'permission_set.changed', scope: 'scope.implications_changed' } as const;

/**
 * Compares the configuration with the last one in force, and appends one audit event for each organization whose keys a
 * difference concerns; that also invalidates its keys in memory. Succeeds once in the life of a process, whose
 * configuration does not change. Replicas can do it at the same time; another goes on where one died.
 */
export function makeRecordChangedGrants(deps: Deps) {
  let done = false;

  return async function recordChangedGrants(signal: AbortSignal): Promise<void> {
    await recordSetAside(deps, await deps.items.due(BATCH));
    if (done) return;
    const known = await grants.list(deps.db);
    // Events that are still missing for an earlier configuration come first.
    for (const grant of known) if (grant.before) await recordAll(deps, grant, signal);
    const isKnown = (grant: ConfiguredGrant) => known.some((other) => isSame(other, grant));
    const differing = differences(deps.configured, known);
    for (const grant of differing.filter(isKnown)) await replace(deps, grant, signal);
    const added = differing.filter((grant) => !isKnown(grant));
    await grants.insert(deps.db, added, deps.clock());
    done = !signal.aborted;
  };
}

/** Returns grants that are new, changed, or no longer configured; the last with no scopes. */
function differences(configured: readonly ConfiguredGrant[], known: readonly KnownGrant[]): ConfiguredGrant[] {
  const changed = configured.filter((grant) => {
    const before = known.find((other) => isSame(other, grant));
    return !before || !givesTheSame(before, grant);
  });
  const gone = known.filter((grant) => !configured.some((other) => isSame(other, grant)));
  return [...changed, ...gone.filter(({ scopes }) => scopes.length > 0).map((grant) => ({ ...grant, scopes: [] }))];
}

async function replace(deps: Deps, grant: ConfiguredGrant, signal: AbortSignal): Promise<void> {
  // Another replica may be recording this change already, or that of another configuration.
  do await recordAll(deps, grant, signal);
  while (!signal.aborted && !(await transaction(deps.db, (trx) => begin(deps, trx, grant))));
  await recordAll(deps, grant, signal);
}

/** @returns false when another change of the grant must be recorded first */
async function begin({ clock }: Deps, trx: Knex.Transaction, grant: ConfiguredGrant): Promise<boolean> {
  const before = await grants.lock(trx, grant);
  if (!before || givesTheSame(before, grant)) return true;
  if (before.before) return false;
  await grants.begin(trx, before, grant, clock());
  return true;
}

async function recordAll(deps: Deps, grant: ConfiguredGrant, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await recordBatch(deps, grant)));
}

/** Records a batch in one transaction. If that fails, records its first organization alone, or sets it aside. */
async function recordBatch(deps: Deps, grant: ConfiguredGrant): Promise<boolean> {
  try {
    return await transaction(deps.db, (trx) => recordSome(deps, trx, grant));
  } catch (error) {
    if (!isOwnFailure(error)) throw error;
    return recordFirst(deps, grant);
  }
}

async function recordFirst(deps: Deps, grant: ConfiguredGrant): Promise<boolean> {
  const batch = await transaction(deps.db, (trx) => nextBatch(deps, trx, grant, 1));
  const [event] = batch?.events ?? [];
  if (!batch || !event) return batch?.next !== undefined;
  await recordSetAside(deps, [{ id: `${grant.kind} ${grant.name} ${event.organizationId}`, payload: event }]);
  return transaction(deps.db, async (trx) => {
    const now = await grants.lock(trx, grant);
    // Another replica may have advanced meanwhile.
    if (now?.before && now.recordedTo === batch.grant.recordedTo) await grants.advance(trx, now, event.organizationId);
    return true;
  });
}

/** Records events one by one. One that fails becomes a dead letter with its whole content. */
function recordSetAside({ db, audit, items }: Deps, aside: readonly { id: string; payload: object }[]): Promise<void> {
  return items.each(aside, {
    name: ({ id, payload }) => ({ id, organizationId: (payload as AuditEvent).organizationId, payload }),
    work: ({ payload }) => transaction(db, (trx) => audit.append(trx, payload as AuditEvent)),
  });
}

/** @returns whether there may be more organizations */
async function recordSome(deps: Deps, trx: Knex.Transaction, grant: ConfiguredGrant): Promise<boolean> {
  const batch = await nextBatch(deps, trx, grant, BATCH);
  if (!batch) return false;
  for (const event of batch.events) await deps.audit.append(trx, event);
  await grants.advance(trx, batch.grant, batch.next);
  return batch.next !== undefined;
}

/** Locks the grant and returns the next audit events; undefined when all are recorded. */
async function nextBatch(
  { configured, holdersOf }: Deps,
  trx: Knex.Transaction,
  { kind, name }: ConfiguredGrant,
  limit: number,
): Promise<{ grant: KnownGrant; events: AuditEvent[]; next: string | undefined } | undefined> {
  const grant = await grants.lock(trx, { kind, name });
  if (!grant?.before) return undefined;
  const { before, recordedTo } = grant;
  const held =
    kind === 'permission_set'
      ? { permissionSets: [name], scope: undefined }
      : { permissionSets: setsThatFollow(configured, name), scope: name };
  const { holders, next } = await holdersOf(trx, held, recordedTo, limit);
  const events = holders.map(({ organizationId, keys }): AuditEvent => ({
    ...SOURCE,
    organizationId,
    action: ACTIONS[kind],
    target: { kind: 'organization', id: organizationId },
    details: describe(grant, before, keys),
  }));
  return { grant, events, next };
}

/** Returns the sets through which keys can have a scope that they were not made with. */
function setsThatFollow(configured: readonly ConfiguredGrant[], scope: string): string[] {
  return configured
    .filter(({ kind, followed, scopes }) => kind === 'permission_set' && followed && scopes.includes(scope))
    .map(({ name }) => name);
}

function describe(grant: KnownGrant, before: NonNullable<KnownGrant['before']>, keys: number): AuditEvent['details'] {
  const change = { before: [...before.scopes], after: [...grant.scopes] };
  if (grant.kind === 'scope') return { scope: grant.name, ...change, keys };
  return {
    set: grant.name,
    ...change,
    followed: grant.followed,
    followed_before: before.followed,
    // Keys that do not follow their set keep the scopes that they were made with.
    keys_keep_scopes: !grant.followed,
    keys,
  };
}

function isSame(a: Pick<ConfiguredGrant, 'kind' | 'name'>, b: Pick<ConfiguredGrant, 'kind' | 'name'>): boolean {
  return a.kind === b.kind && a.name === b.name;
}

/** Compares scopes as sets. */
function givesTheSame(a: ConfiguredGrant, b: ConfiguredGrant): boolean {
  const [one, other] = [new Set(a.scopes), new Set(b.scopes)];
  return a.followed === b.followed && one.size === other.size && [...one].every((scope) => other.has(scope));
}
