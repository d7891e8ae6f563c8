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

/** Some organizations with active keys of a set, or with a scope, by id, behind `after`; and behind which the next are. */
export type HoldersOf = (
  trx: Knex.Transaction,
  what: { permissionSets: readonly string[]; scope: string | undefined },
  after: string,
  limit: number,
) => Promise<{ holders: { organizationId: string; keys: number }[]; next: string | undefined }>;

type Deps = {
  db: Knex;
  /** What the configuration says now. */
  configured: readonly ConfiguredGrant[];
  holdersOf: HoldersOf;
  audit: Pick<AuditLog, 'append'>;
  items: Pick<Items, 'each' | 'due'>;
  clock: Clock;
};

/** Each holds the place of its organization's next audit event until all of them are written. */
const BATCH = 20;
const SOURCE = backgroundSource('system', 'configuration');
const ACTIONS = { permission_set: 'permission_set.changed', scope: 'scope.implications_changed' } as const;

/**
 * Compares the configuration with the one that was in force before, and tells every organization that a difference
 * concerns, once, in its audit log; what is kept of it in memory is dropped with that. Done once in the life of a
 * process: its configuration is that of its start. Any number of replicas may do it, and one that dies is followed by
 * the next.
 */
export function makeRecordChangedGrants(deps: Deps) {
  let done = false;

  return async function recordChangedGrants(signal: AbortSignal): Promise<void> {
    await tellSetAside(deps, await deps.items.due(BATCH));
    if (done) return;
    const known = await grants.list(deps.db);
    // What a configuration before this one left untold comes first.
    for (const grant of known) if (grant.before) await tellAll(deps, grant, signal);
    const isKnown = (grant: ConfiguredGrant) => known.some((other) => isSame(other, grant));
    const differing = differences(deps.configured, known);
    for (const grant of differing.filter(isKnown)) await replace(deps, grant, signal);
    const added = differing.filter((grant) => !isKnown(grant));
    await grants.make(deps.db, added, deps.clock());
    done = !signal.aborted;
  };
}

/** What is new, what is different, and what is there no more: that gives nothing now. */
function differences(configured: readonly ConfiguredGrant[], known: readonly KnownGrant[]): ConfiguredGrant[] {
  const changed = configured.filter((grant) => {
    const before = known.find((other) => isSame(other, grant));
    return !before || !givesTheSame(before, grant);
  });
  const gone = known.filter((grant) => !configured.some((other) => isSame(other, grant)));
  return [...changed, ...gone.filter(({ scopes }) => scopes.length > 0).map((grant) => ({ ...grant, scopes: [] }))];
}

async function replace(deps: Deps, grant: ConfiguredGrant, signal: AbortSignal): Promise<void> {
  // Another replica may be faster, and still tell of it, or of another configuration.
  do await tellAll(deps, grant, signal);
  while (!signal.aborted && !(await transaction(deps.db, (trx) => begin(deps, trx, grant))));
  await tellAll(deps, grant, signal);
}

/** @returns false when there is something else to be told first */
async function begin({ clock }: Deps, trx: Knex.Transaction, grant: ConfiguredGrant): Promise<boolean> {
  const before = await grants.lock(trx, grant);
  if (!before || givesTheSame(before, grant)) return true;
  if (before.before) return false;
  await grants.begin(trx, before, grant, clock());
  return true;
}

async function tellAll(deps: Deps, grant: ConfiguredGrant, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await tellBatch(deps, grant)));
}

/** One batch together; where that fails, its first organization apart, which is set aside if it is that one. */
async function tellBatch(deps: Deps, grant: ConfiguredGrant): Promise<boolean> {
  try {
    return await transaction(deps.db, (trx) => tellSome(deps, trx, grant));
  } catch (error) {
    if (!isOwnFailure(error)) throw error;
    return tellFirst(deps, grant);
  }
}

async function tellFirst(deps: Deps, grant: ConfiguredGrant): Promise<boolean> {
  const batch = await transaction(deps.db, (trx) => nextBatch(deps, trx, grant, 1));
  const [event] = batch?.events ?? [];
  if (!batch || !event) return batch?.next !== undefined;
  await tellSetAside(deps, [{ id: `${grant.kind} ${grant.name} ${event.organizationId}`, payload: event }]);
  return transaction(deps.db, async (trx) => {
    const now = await grants.lock(trx, grant);
    // Another replica may have gone on meanwhile.
    if (now?.before && now.toldTo === batch.grant.toldTo) await grants.goOn(trx, now, event.organizationId);
    return true;
  });
}

/** Each by itself; what fails is kept with all that it says. */
function tellSetAside({ db, audit, items }: Deps, aside: readonly { id: string; payload: object }[]): Promise<void> {
  return items.each(aside, {
    name: ({ id, payload }) => ({ id, organizationId: (payload as AuditEvent).organizationId, payload }),
    work: ({ payload }) => transaction(db, (trx) => audit.append(trx, payload as AuditEvent)),
  });
}

/** @returns whether there may be more to tell */
async function tellSome(deps: Deps, trx: Knex.Transaction, grant: ConfiguredGrant): Promise<boolean> {
  const batch = await nextBatch(deps, trx, grant, BATCH);
  if (!batch) return false;
  for (const event of batch.events) await deps.audit.append(trx, event);
  await grants.goOn(trx, batch.grant, batch.next);
  return batch.next !== undefined;
}

/** What the next organizations are to be told, with the grant held; undefined when all of them were told. */
async function nextBatch(
  { configured, holdersOf }: Deps,
  trx: Knex.Transaction,
  { kind, name }: ConfiguredGrant,
  limit: number,
): Promise<{ grant: KnownGrant; events: AuditEvent[]; next: string | undefined } | undefined> {
  const grant = await grants.lock(trx, { kind, name });
  if (!grant?.before) return undefined;
  const { before, toldTo } = grant;
  const what =
    kind === 'permission_set'
      ? { permissionSets: [name], scope: undefined }
      : { permissionSets: setsThatFollow(configured, name), scope: name };
  const { holders, next } = await holdersOf(trx, what, toldTo, limit);
  const events = holders.map(({ organizationId, keys }): AuditEvent => ({
    ...SOURCE,
    organizationId,
    action: ACTIONS[kind],
    target: { kind: 'organization', id: organizationId },
    details: describe(grant, before, keys),
  }));
  return { grant, events, next };
}

/** Their keys may use a scope that they were not made with. */
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
    // Those that were made with the set as it was go on with what they were made with.
    keys_keep_scopes: !grant.followed,
    keys,
  };
}

function isSame(a: Pick<ConfiguredGrant, 'kind' | 'name'>, b: Pick<ConfiguredGrant, 'kind' | 'name'>): boolean {
  return a.kind === b.kind && a.name === b.name;
}

/** Their order says nothing. */
function givesTheSame(a: ConfiguredGrant, b: ConfiguredGrant): boolean {
  const [one, other] = [new Set(a.scopes), new Set(b.scopes)];
  return a.followed === b.followed && one.size === other.size && [...one].every((scope) => other.has(scope));
}
