import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import { connectDatabase } from '../../src/db/connect.ts';
import { askAtRate } from '../constant-rate.ts';
import type { Bench, Outcome, Section } from '../section.ts';
import { count } from '../tables.ts';
import { verifyTarget } from '../targets.ts';

/** Requests a second. Each rate runs for the same time, so that periodic writes are equally many. */
const RATES = [0, 200, 2_000] as const;
/** Few, because one flush more or less adds a row for each of them. */
const KEYS = 10;
const SECONDS = { short: 1, full: 5 };
/** An idle connection of PostgreSQL reports its statistics within ten seconds. */
const SETTLE_MS = { short: 1_000, full: 12_000 };

type Written = { verifications: number; rows: number };

/** Counts the rows that verification writes. Only periodic flushes write, whatever the rate. */
export const writes: Section = {
  name: 'writes',
  title: 'Rows written while keys are verified',
  needsPostgres: true,
  run: runWrites,
};

async function runWrites({ world, length }: Bench): Promise<Outcome> {
  const { keys } = await world.callers();
  const target = verifyTarget((await world.latchkey()).url, keys.slice(0, KEYS));
  const { DATABASE_URL: url } = await world.environment();
  const db = connectDatabase({ url: url!, poolMax: 1 });
  const size = length.short ? 'short' : 'full';
  const seconds = SECONDS[size];
  const written: Written[] = [];
  await askAtRate(target, { perSecond: 200, seconds: 1 });
  try {
    let before = await settledRows(db, SETTLE_MS[size]);
    for (const perSecond of RATES) {
      await (perSecond === 0 ? sleep(seconds * 1_000) : askAtRate(target, { perSecond, seconds }));
      const after = await settledRows(db, SETTLE_MS[size]);
      written.push({ verifications: perSecond * seconds, rows: after - before });
      before = after;
    }
  } finally {
    await db.destroy();
  }
  return outcome(written, seconds);
}

/** Returns how many rows were inserted, changed or deleted since the database was created. */
async function settledRows(db: Knex, settleMs: number): Promise<number> {
  await sleep(settleMs);
  const { rows } = await db.raw<{ rows: { written: string }[] }>(
    'select sum(n_tup_ins + n_tup_upd + n_tup_del) as written from pg_stat_user_tables',
  );
  return Number(rows[0]!.written);
}

function outcome(written: readonly Written[], seconds: number): Outcome {
  const [, few, many] = written as [Written, Written, Written];
  const each = (many.rows - few.rows) / (many.verifications - few.verifications);
  const rows = written.map(({ verifications, rows }) => `| ${count(verifications)} | ${count(rows)} |`);
  return {
    findings: [
      {
        measure: 'database writes on the path of a verification',
        mustReach: '0',
        reached: `${each.toFixed(3)} rows for each further verification in the same time`,
        ok: each < 0.01,
      },
    ],
    raw: `| verifications in ${seconds} s | rows written |\n|---|---|\n${rows.join('\n')}\n\nOnly periodic flushes write: uses in batches, and the progress of loops.\n`,
  };
}
