import type { Knex } from 'knex';
import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { connectDatabase } from '../../src/db/connect.ts';
import { isDatabaseUnavailable } from '../../src/db/pg-errors.ts';
import { inOrder, later, laterWithResult } from '../../src/db/pipeline.ts';
import { freshDatabase } from '../support/database.ts';
import { countRoundTrips } from './round-trips.ts';

const { url, close } = await freshDatabase();
if (url === undefined) throw new Error('these tests need TEST_DATABASE_URL');
const trips = await countRoundTrips(url);
// One connection, so that what a transaction leaves behind meets the next one.
const db = connectDatabase({ url: trips.url, poolMax: 1 });
const other = connectDatabase({ url, poolMax: 1 });
afterAll(async () => {
  await db.destroy();
  await other.destroy();
  await close();
});
await db.raw('create table steps (id bigserial primary key, step integer not null check (step > 0))');

const INSERT = 'insert into steps (step) values (?)';
const UNSENDABLE = {
  toPostgres: () => {
    throw new Error('no such value');
  },
};
const insert = (on: Knex, step: unknown) => on.raw(INSERT, [step as number]);
const stepsOf = async (on: Knex = db): Promise<number[]> => on('steps').orderBy('id').pluck('step');

const lockAndCount = (trx: Knex.Transaction) =>
  inOrder(
    trx,
    trx('steps').where({ step: 1 }).forUpdate().first('step'),
    trx.raw<{ rows: object[] }>('select count(*)::int as count from steps where step > ?', [0]),
  );

beforeEach(() => db.raw('truncate steps'));

describe('a transaction', () => {
  it('does not wait for what runs later', async () => {
    const waits = trips.from();
    await db.transaction(async (trx) => {
      expect((await trx.raw<{ rows: object[] }>('select ?::int as one', [1])).rows).toEqual([{ one: 1 }]);
      await later(insert(trx, 1));
      await later(trx('steps').insert({ step: 2 }));
    });
    // For begin, the first statement and the commit.
    expect(waits()).toBe(3);
    expect(await stepsOf()).toEqual([1, 2]);
  });

  it('commits nothing when a statement failed whose failure was caught', async () => {
    const caught = db.transaction(async (trx) => {
      await insert(trx, 1);
      await insert(trx, 0).catch(() => undefined);
    });
    await expect(caught).rejects.toThrow('a statement of the transaction has failed');
    expect(await stepsOf()).toEqual([]);
  });

  it('runs what runs later before the next statement, with values or without', async () => {
    await db.transaction(async (trx) => {
      await later(insert(trx, 1));
      expect(await stepsOf(trx)).toEqual([1]);
      await later(insert(trx, 2));
      expect((await trx.raw<{ rows: object[] }>('select step from steps where step > ?', [1])).rows).toHaveLength(1);
    });
    expect(await stepsOf()).toEqual([1, 2]);
  });

  it('runs many statements later, in their order', async () => {
    const steps = Array.from({ length: 100 }, (_, i) => i + 1);
    await db.transaction(async (trx) => {
      for (const step of steps) await later(insert(trx, step));
    });
    expect(await stepsOf()).toEqual(steps);
  });

  it('undoes what would have run later when it is rolled back', async () => {
    const undone = db.transaction(async (trx) => {
      await insert(trx, 1);
      await later(insert(trx, 2));
      throw new Error('changed its mind');
    });
    await expect(undone).rejects.toThrow('changed its mind');
    expect(await stepsOf()).toEqual([]);
  });

  it.each([
    ['that the server refuses', 0, /insert into steps.*violates check constraint/],
    ['with a value that cannot be sent', UNSENDABLE, /no such value/],
  ])(
    'commits nothing when a statement %s runs later, names it, and leaves the connection free',
    async (_, wrong, why) => {
      const failed = db.transaction(async (trx) => {
        await insert(trx, 1);
        await later(insert(trx, wrong));
        await later(insert(trx, 2));
      });
      await expect(failed).rejects.toThrow(why);
      expect(await stepsOf()).toEqual([]);
      await insert(db, 3);
      expect(await stepsOf(other)).toEqual([3]);
    },
  );

  it('fails as unavailable, and commits nothing, when the connection ends before the commit', async () => {
    const lost = db.transaction(async (trx) => {
      const { rows } = await trx.raw<{ rows: { pid: number }[] }>('select pg_backend_pid() as pid');
      await later(insert(trx, 1));
      await other.raw('select pg_terminate_backend(?)', [rows[0]!.pid]);
    });
    const error: unknown = await lost.catch((failure: unknown) => failure);
    expect(isDatabaseUnavailable(error)).toBe(true);
    expect(await stepsOf()).toEqual([]);
  });
});

describe('laterWithResult', () => {
  it('gives the result once the transaction has committed', async () => {
    const { result } = await db.transaction(async (trx) =>
      laterWithResult(trx, trx.raw<{ rows: object[] }>(`${INSERT} returning step`, [7])),
    );
    expect((await result).rows).toEqual([{ step: 7 }]);
  });
});

describe('later', () => {
  it('runs at once where no transaction is open', async () => {
    await later(insert(db, 1));
    expect(await stepsOf(other)).toEqual([1]);
  });
});

describe('inOrder', () => {
  it('lets the second statement see what was committed while the first waited for a lock', async () => {
    await insert(db, 1);
    const holder = await other.transaction();
    await lockAndCount(holder);
    const waiting = db.transaction(lockAndCount);
    const watch = connectDatabase({ url, poolMax: 1 });
    onTestFinished(() => watch.destroy());
    const WAITING = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    await expect.poll(async () => (await watch.raw<{ rows: object[] }>(WAITING)).rows.length).toBe(1);
    await insert(holder, 2);
    await holder.commit();
    const [row, counted] = await waiting;
    expect([row, counted.rows]).toEqual([{ step: 1 }, [{ count: 2 }]]);
  });

  it('takes one round trip, and fails when either fails', async () => {
    await db.transaction(async (trx) => {
      const waits = trips.from();
      await inOrder(trx, insert(trx, 1), insert(trx, 2));
      expect(waits()).toBe(1);
    });
    const pairs = [
      [0, 1],
      [1, 0],
    ] as const;
    for (const [first, second] of pairs)
      await expect(db.transaction((trx) => inOrder(trx, insert(trx, first), insert(trx, second)))).rejects.toThrow(
        'check constraint',
      );
    expect(await stepsOf()).toEqual([1, 2]);
  });
});
