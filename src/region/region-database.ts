import type { Knex } from 'knex';
import { connectOnce } from '../db/connect.ts';
import { StartError } from '../errors.ts';
import type { Beat } from './region-proof.ts';

/** What the region has a copy of: all that verifications, sessions and forward authentication read. */
const TABLES = ['tenants', 'api_keys', 'members', 'user_sessions', 'session_tokens', 'invalidation_beats'];

const LOOK_MS = 1_500;
const MAX_NAMES = 5;
/** The role is not admitted, the database does not exist, or tables or rights are missing. */
const REFUSED = /^(28|3D|42)/;

// Tables are copied one by one before they are replayed together; `r` is the state of one that is.
const LATEST_BEAT = `
  select number::float8 as number, (extract(epoch from at) * 1000000)::float8 as at,
    pg_is_in_recovery() or (
      select count(*) = ${TABLES.length} and count(distinct srsubid) = 1 from pg_subscription_rel
      where srsubstate = 'r' and srrelid = any(array[${TABLES.map((name) => `'${name}'`).join(', ')}]::regclass[]::oid[])
    ) as complete
  from invalidation_beats`;

const COLUMNS = `
  select table_name || '.' || column_name as name from information_schema.columns
  where table_schema = current_schema and table_name = any(?)`;

const SUBSCRIBED = `
  select c.relname as name, s.subname as subscription, s.subenabled as enabled, s.subpublications as publications
  from pg_subscription_rel r join pg_subscription s on s.oid = r.srsubid join pg_class c on c.oid = r.srrelid
  where r.srrelid = any(array[${TABLES.map((name) => `'${name}'`).join(', ')}]::regclass[]::oid[])`;

const PUBLISHED = `
  select t.tablename as name from pg_publication_tables t join pg_publication p on p.pubname = t.pubname
  where t.pubname = any(?) and t.rowfilter is null and p.pubinsert and p.pubupdate and p.pubdelete and p.pubtruncate`;

type Asked = { url: string; region: Knex; home: Knex; warn: (why: string) => void };
type Subscribed = { name: string; subscription: string; enabled: boolean; publications: string[] };

/** @returns the latest beat in the region; undefined while tables are missing from its subscription, or still copied */
export async function lookAtRegion(region: Knex): Promise<Beat | undefined> {
  type Row = Beat & { complete: boolean };
  const { rows } = await region.raw<{ rows: Row[] }>(LATEST_BEAT).timeout(LOOK_MS);
  const [row] = rows;
  return row?.complete ? { number: row.number, at: row.at } : undefined;
}

/**
 * Refuses to start with a region's database that can never be current. One that does not answer now, or whose
 * subscription is disabled, is only warned of: its reads go home.
 * @throws StartError
 */
export async function assertRegion({ url, region, home, warn }: Asked): Promise<void> {
  try {
    await connectOnce(url);
    await assertColumns(region, home);
    const { rows } = await region.raw<{ rows: { standby: boolean }[] }>('select pg_is_in_recovery() as standby');
    if (rows[0]?.standby === false) await assertSubscribed(region, home, warn);
  } catch (error) {
    if (error instanceof StartError) throw error;
    const { code, message } = error as Error & { code?: string };
    if (REFUSED.test(code ?? '')) throw refusal(message, error);
    warn('does not answer');
  }
}

async function assertColumns(region: Knex, home: Knex): Promise<void> {
  const [here, there] = await Promise.all([region, home].map((db) => namesIn(db, COLUMNS, [TABLES])));
  const missing = there!.filter((name) => !here!.includes(name));
  if (missing.length > 0)
    throw refusal(`it lacks ${firstOf(missing)}, or the right to read them. Migrate it before the database at home`);
}

async function assertSubscribed(region: Knex, home: Knex, warn: (why: string) => void): Promise<void> {
  const { rows } = await region.raw<{ rows: Subscribed[] }>(SUBSCRIBED);
  const subscriptions = new Set(rows.map(({ subscription }) => subscription));
  if (subscriptions.size === 0) throw refusal('it is no standby, and has no subscription');
  if (subscriptions.size > 1) throw refusal('its tables are in several subscriptions, which follow no common order');
  assertAll(
    'its subscription lacks',
    rows.map(({ name }) => name),
  );
  assertAll(
    'the publication lacks, or does not publish every change of,',
    await namesIn(home, PUBLISHED, [rows[0]!.publications]),
  );
  if (!rows[0]!.enabled) warn('has a disabled subscription');
}

function assertAll(fault: string, names: readonly string[]): void {
  const missing = TABLES.filter((name) => !names.includes(name));
  if (missing.length > 0) throw refusal(`${fault} ${missing.join(', ')}`);
}

async function namesIn(db: Knex, sql: string, values: readonly Knex.RawBinding[]): Promise<string[]> {
  const { rows } = await db.raw<{ rows: { name: string }[] }>(sql, values);
  return rows.map(({ name }) => name);
}

function firstOf(names: readonly string[]): string {
  const more = names.length - MAX_NAMES;
  return more > 0 ? `${names.slice(0, MAX_NAMES).join(', ')} and ${more} more columns` : names.join(', ');
}

function refusal(reason: string, cause?: unknown): StartError {
  return new StartError(`The database of DATABASE_READ_URL cannot be used: ${reason}.`, { cause });
}
