import type { Knex } from 'knex';
import type { Key } from '../api-keys/key.ts';
import { readInWindows } from '../db/read-in-windows.ts';
import { directionOf, toPage, unknownCursor } from '../http/pagination.ts';
import type { Page, PageRequest } from '../http/pagination.ts';
import { FINDINGS, UNUSED_DAYS } from './reviewed-key.ts';
import type { Finding, ReviewedKey } from './reviewed-key.ts';

/** The keys of one organization, from their own room: its columns, and how a row is read. */
export type KeyRows<Row extends object> = { columns: readonly string[]; toKey: (row: Row) => Key };

type Deps<Row extends object> = {
  db: Knex;
  keyRows: KeyRows<Row>;
  /** What sets and scopes grant by the product's configuration. */
  granting: {
    /** Whether keys grant the current scopes of their set, instead of those that they were made with. */
    followsSets: boolean;
    sets: Readonly<Record<string, readonly string[]>>;
    /** The scopes that a scope implies. */
    implied: Readonly<Record<string, readonly string[]>>;
  };
};
type Found = Record<Finding, boolean> & {
  used_at: Date | null;
  used_scopes: string[] | null;
  excess: string[];
};
type Window = { from: string | undefined; to: string | undefined; newestFirst: boolean };

export type ReviewReader = ReturnType<typeof makeReviewReader>;

const DAY_MS = 24 * 60 * 60_000;
/** Rows of a piece of an export. */
const PIECE = 500;

/** Finds what is wrong with the active keys of an organization, without those of CI jobs, which live for minutes. */
export function makeReviewReader<Row extends object>(deps: Deps<Row>) {
  const { db } = deps;

  function windowsOf(organizationId: string, wanted: readonly Finding[], now: Date, newestFirst = true) {
    return {
      rowBehind: (from: string | undefined, rows: number) => rowBehind(db, organizationId, { from, newestFirst }, rows),
      read: (from: string | undefined, to: string | undefined, limit: number) =>
        readFound(deps, { organizationId, wanted, now, limit }, { from, to, newestFirst }),
    };
  }

  async function* piecesOf(
    organizationId: string,
    wanted: readonly Finding[],
    now: Date,
  ): AsyncGenerator<ReviewedKey[]> {
    for (let from: string | undefined; ;) {
      const rows = await readInWindows(windowsOf(organizationId, wanted, now), from, PIECE);
      if (rows.length > 0) yield rows;
      if (rows.length < PIECE) return;
      from = rows.at(-1)!.key.rowId;
    }
  }

  return {
    /** Newest first. @throws AppError `validation_error` for a cursor that is no key of the organization */
    async list(
      organizationId: string,
      wanted: readonly Finding[],
      page: PageRequest,
      now: Date,
    ): Promise<Page<ReviewedKey>> {
      const { cursor, field, older } = directionOf(page);
      const from = cursor === undefined ? undefined : await rowOf(db, organizationId, cursor, field);
      const rows = await readInWindows(windowsOf(organizationId, wanted, now, older), from, page.limit + 1);
      return toPage(rows, page, ({ key }) => key.id);
    },

    /** Reads all of them, newest first. */
    pieces: piecesOf,

    /** Counts them, by finding. */
    async count(organizationId: string, now: Date) {
      const findings: Record<Finding, number> = { unused: 0, creator_left: 0, never_expires: 0, unused_scopes: 0 };
      let keys = 0;
      for await (const piece of piecesOf(organizationId, FINDINGS, now)) {
        keys += piece.length;
        for (const { findings: found } of piece) for (const finding of found) findings[finding] += 1;
      }
      return { keys, findings };
    },

    /** Returns since when the scopes that uses require are recorded. */
    async recordedSince(): Promise<Date> {
      const row = await db<{ began_at: Date }>('scope_use_recording').first('began_at');
      return row!.began_at;
    },
  };
}

/** Maps a cursor to its row. */
async function rowOf(db: Knex, organizationId: string, cursor: string, field: string): Promise<string> {
  const row = await db<{ organization_id: string; workos_id: string; id: string }>('api_keys')
    .where({ organization_id: organizationId, workos_id: cursor })
    .first('id');
  if (!row) throw unknownCursor(field);
  return row.id;
}

async function rowBehind(
  db: Knex,
  organizationId: string,
  { from, newestFirst }: Omit<Window, 'to'>,
  rows: number,
): Promise<string | undefined> {
  const query = db<{ organization_id: string; id: string }>('api_keys').where({ organization_id: organizationId });
  if (from !== undefined) void query.where('id', newestFirst ? '<' : '>', from);
  const row = await query
    .orderBy('id', newestFirst ? 'desc' : 'asc')
    .offset(rows - 1)
    .first('id');
  return row?.id;
}

type Asked = { organizationId: string; wanted: readonly Finding[]; now: Date; limit: number };

async function readFound<Row extends object>(
  { db, keyRows, granting }: Deps<Row>,
  { organizationId, wanted, now, limit }: Asked,
  window: Window,
): Promise<ReviewedKey[]> {
  const since = new Date(now.getTime() - UNUSED_DAYS * DAY_MS);
  const { rows } = await db.raw<{ rows: (Row & Found)[] }>(foundSql(keyRows.columns, wanted, window), [
    granting.followsSets,
    JSON.stringify(granting.sets),
    organizationId,
    now,
    ...[window.from, window.to].filter((id) => id !== undefined),
    since,
    since,
    since,
    since,
    JSON.stringify(granting.implied),
    limit,
  ]);
  return rows.map((row) => ({
    key: keyRows.toKey(row),
    findings: FINDINGS.filter((finding) => row[finding]),
    lastUsedAt: row.used_at ?? undefined,
    usedScopes: row.used_scopes ?? undefined,
    unusedScopes: row.excess,
  }));
}

/** The scopes that no use required are known only where uses name scopes, and were recorded for all of this time. */
function foundSql(columns: readonly string[], wanted: readonly Finding[], { from, to, newestFirst }: Window): string {
  const [beyond, upTo, order] = newestFirst ? (['<', '>=', 'desc'] as const) : (['>', '<=', 'asc'] as const);
  const bounds = `${from === undefined ? '' : `and id ${beyond} ?`} ${to === undefined ? '' : `and id ${upTo} ?`}`;
  return `with key as (
       select ${columns.join(', ')},
         case when permission_set is not null and ? then coalesce(?::jsonb -> permission_set, '[]')
           else to_jsonb(scopes) end as granted
       from api_keys
       where organization_id = ? and workos_id is not null and status = 'active' and origin <> 'ci'
         and (expires_at is null or expires_at > ?) ${bounds}
     ), found as (
       select key.*, use.used_at, seen.used_scopes, excess.scopes as excess,
         coalesce(use.used_at, key.created_at) <= ? as unused,
         coalesce(not member.active, false) as creator_left,
         key.expires_at is null as never_expires,
         cardinality(excess.scopes) > 0 as unused_scopes
       from key
       left join key_last_uses as use on use.organization_id = key.organization_id and use.key_id = key.workos_id
       left join members as member on member.organization_id = key.organization_id
         and member.user_id = key.created_by_id and key.created_by_kind = 'user'
       left join lateral (
         select array_agg(scope order by scope) as used_scopes from key_scope_uses as used
         where used.organization_id = key.organization_id and used.key_id = key.workos_id and used.used_on >= ?
       ) as seen on true
       cross join lateral (
         select coalesce(array_agg(scope), '{}') as scopes from jsonb_array_elements_text(key.granted) as scope
         where seen.used_scopes is not null and scope <> all(seen.used_scopes) and key.created_at <= ?
           and (select began_at from scope_use_recording) <= ?
           and not exists (
             select from unnest(seen.used_scopes) as used (name) where jsonb_exists(?::jsonb -> used.name, scope)
           )
       ) as excess
     )
     select * from found where ${wanted.join(' or ')} order by id ${order} limit ?`;
}
