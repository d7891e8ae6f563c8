import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Pool } from 'pg';
import { watchRotations } from '../interleavings/check-rotations.ts';
import { withDatabase } from '../support/database-url.ts';
import type { Order } from './die-at.ts';
import { startEntry } from './processes.ts';
import type { Env, Process } from './processes.ts';
import { writeProduct } from './product.ts';
import { newSecret, openReceiver } from './receiver.ts';
import type { Receiver } from './receiver.ts';

/** A service, the local WorkOS beside it and a database, for one trial after the other. */
export type Rig = {
  /** The service's address now; it changes with every restart. */
  url(): string;
  workosUrl: string;
  workosKey: string;
  /** The receiver of outgoing webhooks. */
  receiver: Receiver;
  /** The secret that billing signs its webhooks with. */
  billingSecret: string;
  /** A direct connection to the database, past the service. */
  sql: Pool;
  /** The environment of the service, for commands that run beside it. */
  env: Env;
  order(order: Order): void;
  /** Takes the order back. */
  disarm(): void;
  /** Kills the service now, whatever it does. */
  kill(): void;
  deaths(): number;
  /** Resolves when the service listens, restarted where it died. */
  ready(): Promise<void>;
  /** What went wrong that no trial asked for; empties with each look. */
  complaints(): string[];
  close(): Promise<void>;
};

const WORKOS_KEY = 'sk_test_latchkey';
export const CLIENT_ID = 'client_latchkey';
const HOLDS_WITHIN_MS = 2_000;
const LOOK_EVERY_MS = 10;

export async function openRig(server: string): Promise<Rig> {
  const name = `latchkey_crash_${randomBytes(6).toString('hex')}`;
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-crash-'));
  await asAdmin(server, `create database ${name}`);
  const url = withDatabase(server, name);
  const sql = new Pool({ connectionString: url, max: 4 });
  sql.on('error', () => undefined);
  const cache = { NODE_COMPILE_CACHE: join(tmpdir(), 'latchkey-crash-compile-cache') };
  await succeed(startEntry('cli/migrate.ts', { DATABASE_URL: url, ...cache }));
  await watchRotations(sql);
  const workos = startEntry('cli/local-workos.ts', { PORT: '0', LATCHKEY_DATA_DIR: folder, ...cache });
  const workosUrl = await workos.listens;
  const receiver = await openReceiver();
  const billingSecret = newSecret();
  const env = {
    ...environment(url, workosUrl),
    ...(await writeProduct(folder, receiver)),
    BILLING_WEBHOOK_SECRETS: billingSecret,
    ...cache,
  };
  const service = keepRunning(env, () => endHolds(sql));
  return {
    ...service,
    workosUrl,
    workosKey: WORKOS_KEY,
    receiver,
    billingSecret,
    sql,
    env,
    async close() {
      await service.close();
      workos.kill();
      await workos.exited;
      receiver.close();
      await sql.end();
      await asAdmin(server, `drop database if exists ${name} with (force)`);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Restarts the service whenever it dies, after `meanwhile`. */
function keepRunning(env: Env, meanwhile: () => Promise<void>) {
  let current: Process;
  let url = 'http://127.0.0.1:1';
  let deaths = 0;
  let closing = false;
  let ready: Promise<void>;
  const complaints: string[] = [];

  function start(): void {
    const started = startEntry('main.ts', env);
    current = started;
    ready = learnAddress(started);
    ready.catch((error: unknown) => {
      complaints.push(`the service did not start: ${String(error)}`);
      // The trial has failed; the next one gets another process.
      started.kill();
    });
    void follow(started);
  }

  async function learnAddress({ listens }: Process): Promise<void> {
    url = await listens;
  }

  async function follow(process: Process): Promise<void> {
    const { code, signal } = await process.exited;
    complaints.push(...process.complaints);
    if (closing) return;
    if (signal !== 'SIGKILL') complaints.push(`the service ended by itself: ${code ?? signal}`);
    deaths += 1;
    await meanwhile().catch((error: unknown) => complaints.push(String(error)));
    if (!closing) start();
  }

  start();
  return {
    url: () => url,
    order: (order: Order) => current.order(order),
    disarm: () => current.order({ point: 'nowhere', pass: 1 }),
    kill: () => current.kill(),
    deaths: () => deaths,
    ready: () => ready,
    complaints: () => complaints.splice(0),
    async close() {
      closing = true;
      current.kill();
      await current.exited;
    },
  };
}

/**
 * A service that died while it sent webhooks holds their queues for a minute; this releases them before the next one
 * starts. Its last statement may still run, and would take a hold afterwards: waits for it first.
 */
async function endHolds(sql: Pool): Promise<void> {
  const giveUpAt = performance.now() + HOLDS_WITHIN_MS;
  for (let busy = true; busy && performance.now() < giveUpAt;) {
    const { rows } = await sql.query(
      "select pid from pg_stat_activity where datname = current_database() and application_name = 'latchkey' limit 1",
    );
    busy = rows.length > 0;
    if (busy) await sleep(LOOK_EVERY_MS);
  }
  await sql.query('update outbox_lanes set due_at = now() where due_at > now()');
}

function environment(databaseUrl: string, workosUrl: string): Env {
  return {
    DATABASE_URL: databaseUrl,
    DATABASE_POOL_MAX: '5',
    WORKOS_API_KEY: WORKOS_KEY,
    WORKOS_CLIENT_ID: CLIENT_ID,
    WORKOS_API_URL: workosUrl,
    WORKOS_AUTHKIT_URL: workosUrl,
    WORKOS_TIMEOUT_MS: '400',
    WORKOS_COOKIE_PASSWORD: randomBytes(24).toString('hex'),
    LATCHKEY_SECRET: randomBytes(32).toString('hex'),
    WORKOS_KEY_CHANGES_PER_SECOND: '10000',
    LATCHKEY_KEY_CHANGES_PER_MINUTE: '1000000',
    LATCHKEY_SETTLE_INTERVAL_MS: '100',
    LATCHKEY_EVENTS_INTERVAL_MS: '100',
    LOG_LEVEL: 'info',
    PORT: '0',
  };
}

async function succeed({ exited, complaints }: Process): Promise<void> {
  const { code } = await exited;
  if (code !== 0) throw new Error(complaints.join('\n'));
}

async function asAdmin(server: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
