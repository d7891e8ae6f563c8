import { expect, onTestFinished, test } from 'vitest';
import { connectDatabase } from '../../src/db/connect.ts';
import { freshDatabase } from '../support/database.ts';
import { makeGathering, use } from '../usage/gather.ts';

const KEYS = 2_000;
const FLUSHES = 6;
const HOUR_MS = 3_600_000;

type Updates = { updates: number; hot: number };

/** Flushes uses of the same keys again and again, and returns what share of the updates wrote no index, by table. */
async function shareOfHot(before: readonly string[]): Promise<Record<string, number>> {
  const { db, url, close } = await freshDatabase();
  onTestFinished(close);
  if (url === undefined) throw new Error('this test needs TEST_DATABASE_URL: it reads the statistics of a server');
  await db.raw('select keep_usage_partitions(13, 0)');
  for (const statement of before) await db.raw(statement);
  const own = connectDatabase({ url, poolMax: 1 });
  const { note, flush } = makeGathering(own);
  const hourMs = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
  for (let round = 0; round < FLUSHES; round++) {
    for (let i = 0; i < KEYS; i++) note(use({ keyId: `api_key_${i}`, atMs: hourMs + round }));
    await flush();
  }
  // A connection reports its statistics at its end.
  await own.destroy();
  const read = async () => {
    const { rows } = await db.raw<{ rows: (Updates & { name: string })[] }>(
      `select case when relname like 'usage_counts%' then 'usage_counts' else relname end as name,
         sum(n_tup_upd)::int as updates, sum(n_tup_hot_upd)::int as hot
       from pg_stat_user_tables where relname like 'usage_counts%' or relname = 'key_last_uses' group by 1`,
    );
    return rows;
  };
  const all = (FLUSHES - 1) * KEYS;
  await expect.poll(async () => (await read()).map(({ updates }) => updates), { timeout: 5_000 }).toEqual([all, all]);
  return Object.fromEntries((await read()).map(({ name, hot }) => [name, hot / all]));
}

const shown = (shares: Record<string, number>) =>
  Object.entries(shares)
    .map(([name, share]) => `${name} ${(share * 100).toFixed(0)} %`)
    .join(', ');

test('with room on each page, more than nine of ten updates of usage write no index; without it, fewer than half', async () => {
  const shipped = await shareOfHot([]);
  const full = await shareOfHot([
    'alter table key_last_uses reset (fillfactor)',
    `do $$ declare part regclass; begin
       for part in select inhrelid from pg_inherits where inhparent = 'usage_counts'::regclass loop
         execute format('alter table %s reset (fillfactor)', part);
       end loop;
     end $$`,
  ]);
  process.stdout.write(`  HOT updates: ${shown(shipped)}; on full pages ${shown(full)}\n`);
  for (const table of ['usage_counts', 'key_last_uses']) {
    expect(shipped[table]).toBeGreaterThan(0.9);
    expect(full[table]).toBeLessThan(0.5);
  }
});
