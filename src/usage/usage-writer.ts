import { isIP } from 'node:net';
import type { Knex } from 'knex';
import { transaction } from '../db/transaction.ts';
import type { AgentFamily } from './agent-family.ts';
import type { KeyUses } from './usage-memory.ts';

type Deps = { db: Knex; familyOf: AgentFamily };

export type UsageWriter = ReturnType<typeof makeUsageWriter>;

const MAX_IP_LENGTH = 64;
const INVALID_PARAMETER = '22023';
const DAY_MS = 24 * 60 * 60_000;
/** In no id, code, scope, address or agent. */
const SEPARATOR = '\u001F';
const COLUMN = "string_to_array(?, E'\\x1F')";

export function makeUsageWriter({ db, familyOf }: Deps) {
  return {
    /**
     * Adds the uses of some keys, all or none of them.
     * @param onBegun called with the transaction's id, by which `wasWritten` finds the outcome of a later failure
     */
    async write(keys: readonly KeyUses[], onBegun: (transactionId: string) => void): Promise<void> {
      // Replicas lock the same rows in the same order.
      const sorted = keys.toSorted((a, b) => compare(a.organizationId, b.organizationId) || compare(a.keyId, b.keyId));
      await transaction(db, async (trx) => {
        onBegun(await addCounts(trx, sorted));
        await moveLastUses(trx, sorted, familyOf);
        await moveScopeUses(trx, sorted);
      });
    },

    /** Whether a transaction was committed; undefined while it runs. */
    async wasWritten(transactionId: string): Promise<boolean | undefined> {
      try {
        const { rows } = await db.raw<{ rows: { status: string | null }[] }>(
          'select pg_xact_status(?::xid8) as status',
          [transactionId],
        );
        const status = rows[0]?.status;
        return status === 'in progress' ? undefined : status === 'committed';
      } catch (error) {
        // A server that has taken over does not know the transaction.
        if (error instanceof Error && 'code' in error && error.code === INVALID_PARAMETER) return false;
        throw error;
      }
    },
  };
}

async function addCounts(trx: Knex.Transaction, keys: readonly KeyUses[]): Promise<string> {
  const rows = keys.flatMap(({ organizationId, keyId, counters }) =>
    counters
      .toSorted((a, b) => a.hourMs - b.hourMs || compare(a.code, b.code))
      .map(({ hourMs, code, count }) => ({ organizationId, keyId, hourMs, code, count })),
  );
  const { rows: answer } = await trx.raw<{ rows: { id: string }[] }>(
    `with written as (
       insert into usage_counts as known (organization_id, key_id, hour, code, count)
       select organization_id, key_id, to_timestamp(hour_ms / 1000), code, count
       from unnest(${COLUMN}, ${COLUMN}, ${COLUMN}::float8[], ${COLUMN}, ${COLUMN}::bigint[])
         as counted (organization_id, key_id, hour_ms, code, count)
       on conflict (organization_id, key_id, hour, code) do update set count = known.count + excluded.count
     )
     select pg_current_xact_id()::text as id`,
    [
      column(rows, ({ organizationId }) => organizationId),
      column(rows, ({ keyId }) => keyId),
      column(rows, ({ hourMs }) => hourMs),
      column(rows, ({ code }) => code),
      column(rows, ({ count }) => count),
    ],
  );
  return answer[0]!.id;
}

async function moveLastUses(trx: Knex.Transaction, keys: readonly KeyUses[], familyOf: AgentFamily): Promise<void> {
  const used = keys.filter(({ usedAtMs }) => usedAtMs !== -Infinity);
  if (used.length === 0) return;
  await trx.raw(
    `insert into key_last_uses as known (organization_id, key_id, used_at, ip, agent)
     select organization_id, key_id, to_timestamp(used_at_ms / 1000), nullif(ip, ''), nullif(agent, '')
     from unnest(${COLUMN}, ${COLUMN}, ${COLUMN}::float8[], ${COLUMN}, ${COLUMN})
       as used (organization_id, key_id, used_at_ms, ip, agent)
     on conflict (organization_id, key_id) do update
       set used_at = excluded.used_at, ip = excluded.ip, agent = excluded.agent
       where excluded.used_at > known.used_at`,
    [
      column(used, ({ organizationId }) => organizationId),
      column(used, ({ keyId }) => keyId),
      column(used, ({ usedAtMs }) => usedAtMs),
      column(used, ({ ip }) => addressOf(ip)),
      column(used, ({ userAgent }) => familyOf(userAgent) ?? ''),
    ],
  );
}

/** Writes only what is of a later day than known, so that a scope costs a row a day and not one a flush. */
async function moveScopeUses(trx: Knex.Transaction, keys: readonly KeyUses[]): Promise<void> {
  const used = keys.flatMap(({ organizationId, keyId, scopes }) =>
    [...(scopes ?? [])]
      .toSorted(([a], [b]) => compare(a, b))
      .map(([scope, dayMs]) => ({ organizationId, keyId, scope, day: dayMs / DAY_MS })),
  );
  if (used.length === 0) return;
  await trx.raw(
    `insert into key_scope_uses as known (organization_id, key_id, scope, used_on)
     select used.organization_id, used.key_id, used.scope, used.day
     from (
       select organization_id, key_id, scope, date '1970-01-01' + days as day
       from unnest(${COLUMN}, ${COLUMN}, ${COLUMN}, ${COLUMN}::int[]) as noted (organization_id, key_id, scope, days)
     ) as used
     where not exists (
       select from key_scope_uses as written
       where written.organization_id = used.organization_id and written.key_id = used.key_id
         and written.scope = used.scope and written.used_on >= used.day
     )
     on conflict (organization_id, key_id, scope) do update set used_on = greatest(known.used_on, excluded.used_on)`,
    [
      column(used, ({ organizationId }) => organizationId),
      column(used, ({ keyId }) => keyId),
      column(used, ({ scope }) => scope),
      column(used, ({ day }) => day),
    ],
  );
}

// Behind proxies a client may have sent anything.
function addressOf(ip: string | undefined): string {
  return ip !== undefined && ip.length <= MAX_IP_LENGTH && isIP(ip) !== 0 ? ip : '';
}

/** Joins the values of a column: `pg` would look at each of them for what an array has to escape. */
function column<Row>(rows: readonly Row[], valueOf: (row: Row) => string | number): string {
  return rows.map(valueOf).join(SEPARATOR);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
