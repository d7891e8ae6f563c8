import { pino } from 'pino';
import { makeItems } from '../../src/background/items.ts';
import { makeMetrics } from '../../src/telemetry/metrics.ts';
import type { Knex } from 'knex';
import { makeAgentFamily } from '../../src/usage/agent-family.ts';
import { makeFlushUsage } from '../../src/usage/flush-usage.ts';
import type { Use } from '../../src/usage/use.ts';
import { makeUsageMemory } from '../../src/usage/usage-memory.ts';
import { makeUsageWriter } from '../../src/usage/usage-writer.ts';
import type { UsageWriter } from '../../src/usage/usage-writer.ts';

export const T0 = Date.parse('2026-11-20T10:15:00.000Z');

export const use = (changes: Partial<Use> = {}): Use => ({
  organizationId: 'org_a',
  keyId: 'api_key_a',
  code: 'valid',
  atMs: T0,
  count: 1,
  ip: undefined,
  userAgent: undefined,
  ...changes,
});

type Options = { maxCounters?: number; around?: (writer: UsageWriter) => UsageWriter };

/** What gathers uses and writes them, without the service around it. */
export function makeGathering(db: Knex, { maxCounters = 100_000, around = (writer) => writer }: Options = {}) {
  const calls = { full: 0, dropped: 0 };
  const memory = makeUsageMemory({
    maxCounters,
    onFull: () => void calls.full++,
    onDropped: (uses) => void (calls.dropped += uses),
  });
  const writer = around(makeUsageWriter({ db, familyOf: makeAgentFamily() }));
  const log = pino({ level: 'silent' });
  const items = makeItems({ db, failures: makeMetrics().failures, clock: () => new Date(), log }, 'flush_usage');
  const { flush, takeBack, writing } = makeFlushUsage({ memory, writer, items });
  return { note: memory.note, waiting: memory.waiting, flush, takeBack, writing, calls };
}

/** All counts: `key code hour` to how many. */
export async function countsIn(db: Knex): Promise<Record<string, number>> {
  const { rows } = await db.raw<{ rows: { name: string; count: number }[] }>(
    `select concat_ws(' ', key_id, code, to_char(hour at time zone 'UTC', 'HH24')) as name, count::int
     from usage_counts order by 1`,
  );
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
}

export async function totalIn(db: Knex): Promise<number> {
  const { rows } = await db.raw<{ rows: { total: number }[] }>(
    'select coalesce(sum(count), 0)::int as total from usage_counts',
  );
  return rows[0]!.total;
}

/** Every statement that is sent while `work` runs. */
export async function statementsOf(db: Knex, work: () => unknown): Promise<string[]> {
  const statements: string[] = [];
  const listen = ({ sql }: { sql: string }) => void statements.push(sql.trim());
  db.on('query', listen);
  await work();
  db.removeListener('query', listen);
  return statements;
}
