import { randomBytes } from 'node:crypto';
import type { Knex } from 'knex';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { makeKeepPartitions } from '../../src/usage/keep-partitions.ts';
import { freshDatabase } from '../support/database.ts';

const { db, close } = await freshDatabase();
afterAll(close);

const now = new Date();
/** The beginning of a month, so many from this one, in UTC. */
const month = (n: number) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + n));
const nameOf = (start: Date) => `usage_counts_${start.toISOString().slice(0, 7).replace('-', '_')}`;
const ahead = [0, 1, 2].map((n) => nameOf(month(n)));

/** With the rights that the service has in production. */
const asApplication = <T>(work: (trx: Knex.Transaction) => Promise<T>) =>
  db.transaction(async (trx) => {
    await trx.raw('set local role latchkey_app');
    return work(trx);
  });
const keep = (monthsKept = 13) => asApplication((trx) => makeKeepPartitions({ db: trx, monthsKept })());

const use = (hour: Date, count = 1) => ({ organization_id: 'org_a', key_id: 'api_key_a', hour, code: 'valid', count });

async function partitions(): Promise<string[]> {
  const { rows } = await db.raw<{ rows: { name: string }[] }>(
    `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'usage_counts'::regclass order by 1`,
  );
  return rows.map(({ name }) => name).filter((name) => name !== 'usage_counts_default');
}

async function placesOf(): Promise<Record<string, number>> {
  const { rows } = await db.raw<{ rows: { name: string; count: number }[] }>(
    'select tableoid::regclass::text as name, sum(count)::int as count from usage_counts group by 1',
  );
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
}

function makePartition(n: number) {
  const [from, to] = [month(n), month(n + 1)].map((start) => start.toISOString());
  return db.raw(`create table ${nameOf(month(n))} partition of usage_counts for values from ('${from}') to ('${to}')`);
}

beforeEach(async () => {
  for (const name of await partitions()) await db.raw('drop table ??', [name]);
  await db('usage_counts').delete();
});

describe('keep_usage_partitions', () => {
  test('creates this month and the next two, once, as the application role', async () => {
    await keep();
    expect(await partitions()).toEqual(ahead);
    await keep();
    expect(await partitions()).toEqual(ahead);
  });

  test('sorts uses into the partition of their month in UTC, else into the default one', async () => {
    await keep();
    const lastHour = new Date(month(1).getTime() - 3_600_000);
    await asApplication((trx) =>
      trx('usage_counts').insert([use(month(0)), use(lastHour, 2), use(month(1), 4), use(month(-1), 8)]),
    );
    expect(await placesOf()).toEqual({ [ahead[0]!]: 3, [ahead[1]!]: 4, usage_counts_default: 8 });
  });

  test('moves earlier uses into a new partition', async () => {
    await asApplication((trx) => trx('usage_counts').insert([use(month(0), 3), use(month(2), 5), use(month(-1), 8)]));
    expect(await placesOf()).toEqual({ usage_counts_default: 16 });
    await keep();
    expect(await placesOf()).toEqual({ [ahead[0]!]: 3, [ahead[2]!]: 5, usage_counts_default: 8 });
  });

  test('drops months after their retention, with or without a partition', async () => {
    await makePartition(-3);
    await makePartition(-4);
    await db('usage_counts').insert([-2, -3, -4, -5].map((n) => use(month(n))));
    await keep(3);
    expect(await partitions()).toEqual([nameOf(month(-3)), ...ahead]);
    const kept = await db('usage_counts').orderBy('hour').pluck('hour');
    expect(kept).toEqual([month(-3), month(-2)]);
  });

  test.each(['America/St_Johns', 'Pacific/Kiritimati'])('creates the same months in the time zone %s', async (zone) => {
    await asApplication(async (trx) => {
      await trx.raw(`set local timezone to '${zone}'`);
      await makeKeepPartitions({ db: trx, monthsKept: 13 })();
    });
    await db('usage_counts').insert(use(month(1)));
    expect(await placesOf()).toEqual({ [ahead[1]!]: 1 });
  });

  test.each([
    ['0', '2'],
    ['121', '2'],
    ['null', '2'],
    ['13', '13'],
    ['13', 'null'],
  ])('(%s, %s) is refused', async (kept, made) => {
    await expect(asApplication((trx) => trx.raw(`select keep_usage_partitions(${kept}, ${made})`))).rejects.toThrow(
      /must be/,
    );
  });

  test.each([
    ['delete counts', 'delete from usage_counts'],
    ['write past the table', `insert into usage_counts_default select * from usage_counts`],
    ['read past the table', () => `select * from ${ahead[0]}`],
    ['drop a partition', () => `drop table ${ahead[0]}`],
    ['forget a last use', 'delete from key_last_uses'],
  ])('the application role may not %s itself', async (_what, sql) => {
    await keep();
    const statement = typeof sql === 'string' ? sql : sql();
    await expect(asApplication((trx) => trx.raw(statement))).rejects.toMatchObject({ code: '42501' });
  });

  test('refuses other roles', async () => {
    // Roles belong to the whole server, where other tests run, too.
    const name = `nobody_${randomBytes(6).toString('hex')}`;
    await db.raw('create role ??', [name]);
    try {
      const call = db.transaction(async (trx) => {
        await trx.raw('set local role ??', [name]);
        await trx.raw('select keep_usage_partitions(13, 2)');
      });
      await expect(call).rejects.toMatchObject({ code: '42501' });
    } finally {
      await db.raw('drop role ??', [name]);
    }
  });
});
