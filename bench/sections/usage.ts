import { randomInt } from 'node:crypto';
import type { Knex } from 'knex';
import { connectDatabase } from '../../src/db/connect.ts';
import type { Lifetime } from '../../src/process/shutdown.ts';
import { makeAgentFamily } from '../../src/usage/agent-family.ts';
import { makeFlushUsage } from '../../src/usage/flush-usage.ts';
import { makeUsageMemory } from '../../src/usage/usage-memory.ts';
import { makeUsageWriter } from '../../src/usage/usage-writer.ts';
import { canOwnServer, startOwnServer } from '../postgres/own-server.ts';
import { median } from '../rounds.ts';
import type { Bench, Outcome, Section } from '../section.ts';
import { count } from '../tables.ts';

const REPLICAS = 10;
const KEYS = { short: 1_000, full: 10_000 };
const ORGANIZATIONS = 100;
/** One hot key is used so often in an interval, give or take. */
const USES = 100;
/** Flushes that are measured; one before them makes the rows. */
const ROUNDS = { short: 2, full: 9 };
const INTERVALS_MS = [1_000, 10_000, 60_000] as const;
/** The interval that must hold, and the most of it that flushing may take. */
const HELD_MS = 10_000;
const MOST_OF_INTERVAL = 0.5;

type Replica = { use: (key: number) => void; flush: () => Promise<void>; dropped: () => number };
type Flushed = { keys: number; seconds: number; cpuSeconds: number };
type Counted = { uses: number };
type Rows = { uses: number; hot: number; walBytes: number };
type Written = Rows & { serverCpu: number };

/** Measures what many replicas with the same keys in use write, and whether the counts are exact. */
export const usage: Section = {
  name: 'usage',
  title: 'Uses of keys written by ten replicas',
  needsPostgres: true,
  run: runUsage,
};

async function runUsage({ lifetime, length }: Bench): Promise<Outcome> {
  if (!canOwnServer()) return { findings: [], raw: 'This machine has no programs of PostgreSQL: not measured.\n' };
  const size = length.short ? 'short' : 'full';
  const { url, cpuSeconds } = await startOwnServer(lifetime);
  const admin = connect(lifetime, url, 1);
  await admin.raw('select keep_usage_partitions(12, 2)');
  const replicas = Array.from({ length: REPLICAS }, () => startReplica(connect(lifetime, url, 2)));
  const used = { uses: 0 };
  await flushAll(replicas, KEYS[size], used);
  const walBefore = await walPosition(admin);
  const cpuBefore = cpuSeconds();
  const rounds: Flushed[] = [];
  for (let round = 0; round < ROUNDS[size]; round++) rounds.push(await flushAll(replicas, KEYS[size], used));
  const serverCpu = secondsBetween(cpuBefore, cpuSeconds());
  const written = { ...(await readRows(admin, walBefore)), serverCpu };
  const dropped = replicas.reduce((sum, replica) => sum + replica.dropped(), 0);
  return outcome({ keys: KEYS[size], used: used.uses, dropped, rounds, written });
}

function connect(lifetime: Lifetime, url: string, poolMax: number): Knex {
  const db = connectDatabase({ url, poolMax });
  lifetime.onEnd(() => db.destroy());
  return db;
}

/** What a replica counts and writes uses with. */
function startReplica(db: Knex): Replica {
  let dropped = 0;
  const memory = makeUsageMemory({
    maxCounters: 100_000,
    onFull: () => undefined,
    onDropped: (uses) => {
      dropped += uses;
    },
  });
  const items = { bury: unexpected, due: () => Promise.resolve([]), forget: unexpected };
  const { flush } = makeFlushUsage({ memory, items, writer: makeUsageWriter({ db, familyOf: makeAgentFamily() }) });
  return {
    use(key) {
      const organizationId = `org_${String(key % ORGANIZATIONS).padStart(26, '0')}`;
      const keyId = `api_key_${String(key).padStart(26, '0')}`;
      const client = { ip: '192.0.2.1', userAgent: 'node', scopes: ['tasks:read'] };
      memory.note({ organizationId, keyId, code: 'valid', atMs: Date.now(), count: 1, ...client });
    },
    flush,
    dropped: () => dropped,
  };
}

const unexpected = () => Promise.reject(new Error('uses were refused'));

/** Lets every replica use every key, and all of them write at the same time. */
async function flushAll(replicas: readonly Replica[], keys: number, used: Counted): Promise<Flushed> {
  for (const replica of replicas) {
    // Each meets the keys in an order of its own.
    const first = randomInt(keys);
    for (let i = 0; i < keys; i++) {
      const uses = 1 + randomInt(2 * USES - 1);
      const key = (first + i * 7_919) % keys;
      for (let use = 0; use < uses; use++) replica.use(key);
      used.uses += uses;
    }
  }
  const cpu = process.cpuUsage();
  const from = performance.now();
  await Promise.all(replicas.map(({ flush }) => flush()));
  const seconds = (performance.now() - from) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { keys: keys * replicas.length, seconds, cpuSeconds: (user + system) / 1e6 };
}

async function walPosition(db: Knex): Promise<string> {
  const { rows } = await db.raw<{ rows: { at: string }[] }>('select pg_current_wal_lsn()::text as at');
  return rows[0]!.at;
}

/** Reads what is in the tables, and what writing it cost since then. */
async function readRows(db: Knex, walBefore: string): Promise<Rows> {
  const { rows } = await db.raw<{ rows: { uses: string; wal: string; updated: string; hot: string }[] }>(
    `select (select sum(count) from usage_counts)::text as uses, pg_wal_lsn_diff(pg_current_wal_lsn(), ?)::text as wal,
       sum(n_tup_upd)::text as updated, sum(n_tup_hot_upd)::text as hot
     from pg_stat_user_tables where relname like 'usage\\_counts%' or relname = 'key_last_uses'`,
    [walBefore],
  );
  const { uses, wal, updated, hot } = rows[0]!;
  return { uses: Number(uses), walBytes: Number(wal), hot: Number(hot) / Number(updated) };
}

type Seen = { keys: number; used: number; dropped: number; rounds: readonly Flushed[]; written: Written };

function outcome({ keys, used, dropped, rounds, written }: Seen): Outcome {
  const seconds = median(rounds.map((each) => each.seconds));
  const perSecond = median(rounds.map((each) => each.keys / each.seconds));
  const cpu = median(rounds.map((each) => (each.cpuSeconds / each.keys) * 1e6));
  const all = rounds.length * rounds[0]!.keys;
  const wal = written.walBytes / all;
  const serverCpu = (written.serverCpu / all) * 1e6;
  const part = (intervalMs: number) => (seconds * 1_000) / intervalMs;
  const parts = INTERVALS_MS.map((each) => `| ${each / 1_000} s | ${percent(part(each))} |`);
  return {
    findings: [
      {
        measure: `uses by ${REPLICAS} replicas with the same ${count(keys)} keys in use: the part of ${HELD_MS / 1_000} s that writing takes, when all write at once`,
        mustReach: `at most ${percent(MOST_OF_INTERVAL)}`,
        reached: percent(part(HELD_MS)),
        ok: part(HELD_MS) <= MOST_OF_INTERVAL,
      },
      {
        measure: `the counts that they wrote, of ${count(used)} uses`,
        mustReach: 'all, and none twice',
        reached: dropped === 0 && written.uses === used ? 'all, and none twice' : `${count(written.uses)} uses`,
        ok: dropped === 0 && written.uses === used,
      },
    ],
    figures: {
      writing: { 'keys a second': perSecond, 'seconds of all': seconds, 'CPU microseconds a key': cpu },
      database: { 'CPU microseconds a key': serverCpu, 'WAL bytes a key': wal, 'HOT updates': written.hot },
    },
    raw: `${count(perSecond)} keys a second; each costs the database ${serverCpu.toFixed(1)} µs of CPU and ${(wal / 1_000).toFixed(2)} kB of WAL, and its replica ${cpu.toFixed(1)} µs. ${percent(written.hot)} of the updates write no index.\n\n| \`LATCHKEY_USAGE_FLUSH_MS\` | part that writing takes |\n|---|---|\n${parts.join('\n')}\n`,
  };
}

function secondsBetween(before: number | undefined, after: number | undefined): number {
  return (after ?? Number.NaN) - (before ?? Number.NaN);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}
