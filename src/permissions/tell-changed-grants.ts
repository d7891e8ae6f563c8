import type { Knex } from 'knex';
import { backgroundSource } from '../audit/audit-event.ts';
import type { AuditEvent } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Clock } from '../clock.ts';
import { transaction } from '../db/transaction.ts';
import { grantsRepository as grants } from './grants-repository.ts';
import type { ConfiguredGrant, KnownGrant } from './grants-repository.ts';

/** Organizations with active keys of a set, or with a scope, in the order of their ids, behind `after`. */
export type HoldersOf = (
  trx: Knex.Transaction,
  what: { permissionSets: readonly string[]; scope: string | undefined },
  after: string,
  limit: number,
) => Promise<{ organizationId: string; keys: number }[]>;

type Deps = {
  db: Knex;
  /** What the configuration says now. */
  configured: readonly ConfiguredGrant[];
  holdersOf: HoldersOf;
  audit: Pick<AuditLog, 'append'>;
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
export function makeTellChangedGrants(deps: Deps) {
  let done = false;

  return async function tellChangedGrants(signal: AbortSignal): Promise<void> {
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
  while (!signal.aborted && (await transaction(deps.db, (trx) => tellSome(deps, trx, grant))));
}

/** @returns whether there may be more to tell */
async function tellSome(
  { configured, holdersOf, audit }: Deps,
  trx: Knex.Transaction,
  { kind, name }: ConfiguredGrant,
): Promise<boolean> {
  const grant = await grants.lock(trx, { kind, name });
  if (!grant?.before) return false;
  const { before, toldTo } = grant;
  const what =
    kind === 'permission_set'
      ? { permissionSets: [name], scope: undefined }
      : { permissionSets: setsThatFollow(configured, name), scope: name };
  const holders = await holdersOf(trx, what, toldTo, BATCH);
  for (const { organizationId, keys } of holders) {
    await audit.append(trx, {
      ...SOURCE,
      organizationId,
      action: ACTIONS[kind],
      target: { kind: 'organization', id: organizationId },
      details: describe(grant, before, keys),
    });
  }
  const hasMore = holders.length === BATCH;
  await grants.goOn(trx, grant, hasMore ? holders.at(-1)!.organizationId : undefined);
  return hasMore;
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
