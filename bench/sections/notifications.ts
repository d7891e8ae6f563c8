import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import { connectDatabase } from '../../src/db/connect.ts';
import { transaction } from '../../src/db/transaction.ts';
import { makeAnnounce } from '../../src/invalidation/announce.ts';
import type { Announce } from '../../src/invalidation/announce.ts';
import { INVALIDATION_CHANNEL, payloadsOf } from '../../src/invalidation/invalidation.ts';
import { makeNotifications } from '../../src/invalidation/notifications.ts';
import type { Lifetime } from '../../src/process/shutdown.ts';
import { addDistantStandby, canOwnServer, startOwnServer } from '../postgres/own-server.ts';
import { median } from '../rounds.ts';
import type { Bench, Outcome, Section } from '../section.ts';
import { startServer } from '../start-server.ts';
import { count, times } from '../tables.ts';

const CLIENTS = 8;
/** The clients' transactions, and what notifies. */
const CONNECTIONS = CLIENTS + 1;
const STANDBY_MS = 3;
const LISTENERS = 200;
const MUST_REACH = { standby: 4, listeners: 2 };
const RECEIVED_DEADLINE_MS = 60_000;

/** Makes what announces changes, and says when all of them are notified. */
type Way = (db: Knex) => { announce: Announce; flush: () => Promise<void> };
const WAYS = {
  /** The notification is part of the change's transaction, as a trigger or a plain use of `NOTIFY` does it. */
  'in its transaction': (): ReturnType<Way> => ({ announce: announceInside, flush: () => Promise.resolve() }),
  'after it, gathered': (db: Knex): ReturnType<Way> => {
    const notifications = makeNotifications({ db, log: { warn: failOnWarning } });
    const cache = { invalidate: () => undefined };
    return { announce: makeAnnounce({ cache, notifications }), flush: notifications.flush };
  },
} satisfies Record<string, Way>;
type Rates = Record<keyof typeof WAYS, number[]>;

/** Measures what notifying other replicas costs the changes, and how many changes many replicas can follow. */
export const notifications: Section = {
  name: 'notifications',
  title: 'Changes that notify other replicas',
  needsPostgres: true,
  run: runNotifications,
};

async function runNotifications({ lifetime, length }: Bench): Promise<Outcome> {
  if (!canOwnServer()) return { findings: [], raw: 'This machine has no programs of PostgreSQL: not measured.\n' };
  const server = await startOwnServer(lifetime);
  const db = connectDatabase({ url: server.url, poolMax: CONNECTIONS });
  lifetime.onEnd(() => db.destroy());
  const { rounds, seconds } = length;
  const alone = await measure(db, rounds, seconds * 1_000);
  const listeners = await startListeners(lifetime, server.url);
  const followed = await measure(db, rounds, seconds * 1_000, listeners);
  await addDistantStandby(lifetime, server, STANDBY_MS);
  const distant = await measure(db, rounds, seconds * 1_000);
  return outcome({ alone, distant, followed });
}

/** Runs rounds in which each way has its turn. @returns changes a second, until every listener has received them */
async function measure(db: Knex, rounds: number, forMs: number, received = noListeners): Promise<Rates> {
  const rates: Rates = { 'in its transaction': [], 'after it, gathered': [] };
  for (let round = 0; round < rounds; round++) {
    for (const [name, makeWay] of Object.entries(WAYS) as [keyof Rates, Way][]) {
      const way = makeWay(db);
      const before = await received();
      const from = performance.now();
      const changes = await change(db, way.announce, from + forMs);
      await way.flush();
      await waitFor(async () => (await received()) >= before + changes);
      rates[name].push(changes / ((performance.now() - from) / 1_000));
    }
  }
  return rates;
}

/** Announces changes from all clients at once. @returns how many */
async function change(db: Knex, announce: Announce, untilMs: number): Promise<number> {
  let changes = 0;
  const work = async () => {
    while (performance.now() < untilMs) {
      const name = String(changes++).padStart(26, '0');
      await transaction(db, (trx) => announce(trx, { organizationId: `org_${name}`, keyId: `api_key_${name}` }));
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, work));
  return changes;
}

async function announceInside(trx: Knex.Transaction, change: Parameters<Announce>[1]): Promise<void> {
  const { organizationId, keyId } = change;
  const payload = payloadsOf([change])[0]!;
  await trx.raw(
    `with logged as (insert into invalidations (organization_id, key_id) values (?, ?)) select pg_notify(?, ?)`,
    [organizationId, keyId ?? null, INVALIDATION_CHANNEL, payload],
  );
}

async function startListeners(lifetime: Lifetime, databaseUrl: string): Promise<() => Promise<number>> {
  const env = { DATABASE_URL: databaseUrl, LISTENERS: `${LISTENERS}` };
  const { url } = await startServer(lifetime, 'bench/servers/listeners.ts', 'measured', env);
  return async () => (await (await fetch(url)).json()) as number;
}

async function waitFor(isDone: () => Promise<boolean>): Promise<void> {
  const from = performance.now();
  while (!(await isDone())) {
    if (performance.now() - from > RECEIVED_DEADLINE_MS) throw new Error('changes were never received');
    await sleep(5);
  }
}

const noListeners = () => Promise.resolve(Infinity);

function failOnWarning(fields: object, message?: string): void {
  throw new Error(message, { cause: fields });
}

function outcome(measured: { alone: Rates; distant: Rates; followed: Rates }): Outcome {
  const named = {
    'no standby': measured.alone,
    [`a synchronous standby ${STANDBY_MS} ms away`]: measured.distant,
    [`${LISTENERS} replicas that listen`]: measured.followed,
  };
  const rows = Object.entries(named).map(
    ([name, { 'in its transaction': inside, 'after it, gathered': after }]) =>
      `| ${name} | ${count(median(inside))} | ${count(median(after))} |`,
  );
  return {
    findings: [
      finding(
        `changes a second at ${CLIENTS} clients and a synchronous standby ${STANDBY_MS} ms away, to those that notify in their transaction`,
        measured.distant,
        MUST_REACH.standby,
      ),
      finding(
        `changes a second that ${LISTENERS} replicas follow, to those that notify in their transaction`,
        measured.followed,
        MUST_REACH.listeners,
      ),
    ],
    figures: named,
    raw: `| changes a second, ${CLIENTS} clients | notified in their transaction | after it, gathered |\n|---|---|---|\n${rows.join('\n')}\n`,
  };
}

function finding(measure: string, rates: Rates, atLeast: number) {
  const inside = median(rates['in its transaction']);
  const after = median(rates['after it, gathered']);
  const ratio = median(rates['after it, gathered'].map((rate, round) => rate / rates['in its transaction'][round]!));
  return {
    measure,
    mustReach: `at least ${times(atLeast)}`,
    reached: `${times(ratio)} (${count(after)} to ${count(inside)})`,
    ok: ratio >= atLeast,
  };
}
