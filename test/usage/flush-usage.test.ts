import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { makeAgentFamily } from '../../src/usage/agent-family.ts';
import { makeUsageWriter } from '../../src/usage/usage-writer.ts';
import type { UsageWriter } from '../../src/usage/usage-writer.ts';
import { freshDatabase } from '../support/database.ts';
import { T0, countsIn, makeGathering, statementsOf, totalIn, use } from './gather.ts';

const { db, close } = await freshDatabase();
afterAll(close);

const OUTAGE = Object.assign(new Error('no'), { code: 'ECONNREFUSED' });
const lastUses = () => db('key_last_uses').orderBy('key_id');

beforeEach(async () => {
  await db('usage_counts').delete();
  await db('key_last_uses').delete();
});

async function abort(onBegun: (id: string) => void): Promise<void> {
  const trx = await db.transaction();
  const { rows } = await trx.raw<{ rows: { id: string }[] }>('select pg_current_xact_id()::text as id');
  onBegun(rows[0]!.id);
  await trx.rollback();
}

describe('flush', () => {
  test('adds gathered uses to the written ones', async () => {
    const { note, flush } = makeGathering(db);
    note(use({ ip: '2001:db8::1', userAgent: 'python-requests/2.32' }));
    note(use({ code: 'rate_limited', count: 3 }));
    note(use({ keyId: 'api_key_b', code: 'expired', atMs: T0 + 3_600_000 }));
    await flush();
    note(use({ count: 4, atMs: T0 - 1 }));
    await flush();
    expect(await countsIn(db)).toEqual({
      'api_key_a valid 10': 5,
      'api_key_a rate_limited 10': 3,
      'api_key_b expired 11': 1,
    });
    expect(await lastUses()).toEqual([
      {
        organization_id: 'org_a',
        key_id: 'api_key_a',
        used_at: new Date(T0),
        ip: '2001:db8::1',
        agent: 'python-requests',
      },
    ]);
  });

  test('writes each scope once a day, and none twice', async () => {
    await db('key_scope_uses').delete();
    const { note, flush } = makeGathering(db);
    const written = async () => {
      const { rows } = await db.raw<{ rows: { name: string }[] }>(
        `select scope || ' ' || used_on as name from key_scope_uses order by scope`,
      );
      return rows.map(({ name }) => name);
    };
    note(use({ scopes: ['a', 'b'] }));
    await flush();
    note(use({ scopes: ['a'], atMs: T0 + 24 * 3_600_000 }));
    note(use({ scopes: ['b'], atMs: T0 - 24 * 3_600_000 }));
    await flush();
    expect(await written()).toEqual(['a 2026-11-21', 'b 2026-11-20']);
    const versions = async () =>
      (await db.raw<{ rows: object[] }>('select scope, xmin::text from key_scope_uses order by scope')).rows;
    const before = await versions();
    note(use({ scopes: ['a', 'b'], atMs: T0 }));
    await flush();
    expect(await versions()).toEqual(before);
  });

  test('queries nothing for a use, nor for an empty flush', async () => {
    const { note, flush } = makeGathering(db);
    const noting = await statementsOf(db, async () => {
      for (let i = 0; i < 1_000; i++) note(use({ keyId: `api_key_${i}` }));
      await turn();
    });
    expect(noting).toEqual([]);
    expect((await statementsOf(db, flush)).filter((sql) => sql.includes('usage_counts'))).toHaveLength(1);
    expect(await statementsOf(db, flush)).toEqual([]);
  });

  test('counts correctly while flushes run between uses', async () => {
    const { note, flush, waiting, writing } = makeGathering(db);
    const flushes: Promise<void>[] = [];
    for (let i = 0; i < 5_000; i++) {
      note(use({ keyId: `api_key_${i % 50}`, code: i % 7 === 0 ? 'revoked' : 'valid', atMs: T0 + i }));
      if (i % 100 === 0) {
        flushes.push(flush());
        await turn();
      }
    }
    await Promise.all([...flushes, flush()]);
    expect(await totalIn(db)).toBe(5_000);
    const { rows } = await db.raw<{ rows: object[] }>(
      'select code, count(*)::int as keys, sum(count)::int as count from usage_counts group by code order by code',
    );
    expect(rows).toEqual([
      { code: 'revoked', keys: 50, count: 715 },
      { code: 'valid', keys: 50, count: 4_285 },
    ]);
    expect([waiting(), writing()]).toEqual([0, 0]);
  });

  test('writes many keys in bounded batches', async () => {
    const { note, flush } = makeGathering(db);
    for (let i = 0; i < 5_000; i++) note(use({ keyId: `api_key_${i}` }));
    const statements = await statementsOf(db, flush);
    expect(statements.filter((sql) => sql.includes('into usage_counts'))).toHaveLength(3);
    expect(statements.filter((sql) => sql.includes('into key_last_uses'))).toHaveLength(3);
    expect(await totalIn(db)).toBe(5_000);
  });

  test('loses nothing while the database is away', async () => {
    const { note, flush, waiting, calls } = makeGathering(db);
    note(use());
    await db.destroy();
    await expect(flush()).rejects.toThrow(/acquire a connection/);
    note(use({ count: 2 }));
    await expect(flush()).rejects.toThrow(/acquire a connection/);
    expect([waiting(), calls.dropped]).toEqual([3, 0]);
    db.initialize();
    await flush();
    expect(await countsIn(db)).toEqual({ 'api_key_a valid 10': 3 });
  });

  test('writes no batch twice after a failure in between', async () => {
    let writes = 0;
    const around = (writer: UsageWriter): UsageWriter => ({
      ...writer,
      write: (keys, onBegun) => (++writes === 2 ? Promise.reject(OUTAGE) : writer.write(keys, onBegun)),
    });
    const { note, flush, waiting, writing } = makeGathering(db, { around });
    for (let i = 0; i < 5_000; i++) note(use({ keyId: `api_key_${i}` }));
    await expect(flush()).rejects.toThrow('no');
    expect([await totalIn(db), waiting(), writing()]).toEqual([2_000, 3_000, 0]);
    await flush();
    expect(await totalIn(db)).toBe(5_000);
  });

  test('counts uses as dropped that a failed flush has no room to put back', async () => {
    const around = (writer: UsageWriter): UsageWriter => ({
      ...writer,
      async write() {
        note(use({ keyId: 'api_key_c', count: 100 }));
        return Promise.reject(OUTAGE);
      },
    });
    const { note, flush, waiting, calls } = makeGathering(db, { maxCounters: 2, around });
    note(use({ count: 1 }));
    note(use({ keyId: 'api_key_b', count: 10 }));
    await expect(flush()).rejects.toThrow('no');
    expect([waiting(), calls.dropped]).toEqual([101, 10]);
  });

  type Lost = { committed: boolean };

  /** Loses the answer to the first commit; another flush finds it still running `running` times. */
  const losing =
    ({ committed }: Lost, running = 0) =>
    (writer: UsageWriter): UsageWriter => {
      let [lost, asked] = [false, 0];
      return {
        async write(keys, onBegun) {
          if (lost) return writer.write(keys, onBegun);
          lost = true;
          if (committed) await writer.write(keys, onBegun);
          else await abort(onBegun);
          throw new Error('Connection terminated unexpectedly');
        },
        wasWritten: async (id) => (asked++ < running ? undefined : writer.wasWritten(id)),
      };
    };

  test.each([{ committed: true }, { committed: false }])(
    'counts a batch once whose commit was not answered: %o',
    async (lost) => {
      const { note, flush, waiting, writing } = makeGathering(db, { around: losing(lost) });
      note(use());
      await expect(flush()).rejects.toThrow('terminated');
      expect([waiting(), writing()]).toEqual([0, 1]);
      note(use({ count: 10 }));
      await flush();
      expect(await countsIn(db)).toEqual({ 'api_key_a valid 10': 11 });
      expect([waiting(), writing()]).toEqual([0, 0]);
    },
  );

  test('writes nothing else while that batch may still be committed', async () => {
    const { note, flush, waiting, writing } = makeGathering(db, { around: losing({ committed: false }, 2) });
    for (let i = 0; i < 3_000; i++) note(use({ keyId: `api_key_${i}` }));
    await expect(flush()).rejects.toThrow('terminated');
    for (let i = 0; i < 2; i++) {
      await expect(flush()).rejects.toThrow('still being written');
      expect([waiting(), writing()]).toEqual([1_000, 2_000]);
    }
    await flush();
    expect(await totalIn(db)).toBe(3_000);
  });

  test('reads the outcome of a transaction', async () => {
    const writer = makeUsageWriter({ db, familyOf: makeAgentFamily() });
    let id = '';
    await abort((begun) => (id = begun));
    expect(await writer.wasWritten(id)).toBe(false);
    const { note, flush } = makeGathering(db, {
      around: (writer) => ({ ...writer, write: (keys) => writer.write(keys, (begun) => (id = begun)) }),
    });
    note(use());
    await flush();
    expect(await writer.wasWritten(id)).toBe(true);
    expect(await writer.wasWritten('99999999')).toBe(false);
  });

  test.skipIf(inject('template').kind === 'embedded')('knows a running transaction', async () => {
    const writer = makeUsageWriter({ db, familyOf: makeAgentFamily() });
    await db.transaction(async (trx) => {
      const { rows } = await trx.raw<{ rows: { id: string }[] }>('select pg_current_xact_id()::text as id');
      expect(await writer.wasWritten(rows[0]!.id)).toBeUndefined();
    });
  });

  test.each([
    ['no address', { ip: 'unknown, \u0000 192.0.2.1', userAgent: undefined }, { ip: null, agent: null }],
    ['a zone without end', { ip: `fe80::1%${'z'.repeat(500)}`, userAgent: '' }, { ip: null, agent: null }],
    ['odd bytes', { ip: '192.0.2.1', userAgent: 'a\u0000\ud800\u202e/1' }, { ip: '192.0.2.1', agent: 'a' }],
  ])('%s does no harm', async (_what, odd, expected) => {
    const { note, flush } = makeGathering(db);
    note(use(odd));
    await flush();
    expect(await lastUses()).toMatchObject([expected]);
  });
});
