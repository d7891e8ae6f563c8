import { randomBytes } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { Client, Pool } from 'pg';
import type { Knex } from 'knex';
import { readConfig } from '../../src/app/read-config.ts';
import { makeReconciliation } from '../../src/app/command-parts.ts';
import { makeContainer } from '../../src/app/container.ts';
import { connectDatabase } from '../../src/db/connect.ts';
import { migrate } from '../../src/db/migrations.ts';
import { demoSeed } from '../../src/emulator/demo.ts';
import { startEmulator } from '../../src/emulator/emulator.ts';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { listen } from '../../src/http/server/server.ts';
import { makeMarker } from '../../src/api-keys/mirror/marker.ts';
import type { Marker } from '../../src/api-keys/mirror/marker.ts';
import { ProductFile } from '../../src/product/product.ts';
import { readProduct } from '../../src/product/read-product.ts';
import { deriveKeys } from '../../src/secrets.ts';
import type { Background } from '../../src/background/background.ts';
import type { Reconcile } from '../../src/workos-sync/reconcile/reconcile.ts';
import { makeLogger } from '../../src/telemetry/logger.ts';
import { withDatabase } from '../support/database-url.ts';
import { connectHooked } from './hooked-database.ts';
import { hookFetch } from './hooked-workos.ts';
import type { IssuedSecret } from './hooked-workos.ts';
import { makeStage } from './stage.ts';
import type { Stage, Task } from './stage.ts';

/** The whole service on a PostgreSQL database of its own, the local WorkOS beside it, and a clock that stands still. */
export type World = {
  stage: Stage;
  url: string;
  workos: Emulator;
  background: Background;
  reconcile: Reconcile;
  marker: Marker;
  /** Our own way into the database, past the service. */
  sql: Pool;
  clock: () => Date;
  advance(milliseconds: number): void;
  /** Which operation a request belongs to, by its header. */
  tasks: Map<string, Task>;
  /** Every secret that WorkOS has issued to an operation. */
  issued: IssuedSecret[];
  /** Log lines that someone must act on; empties with each look. */
  complaints(): string[];
  passFetch: typeof fetch;
  close(): Promise<void>;
};

export const SERVICE_TOKEN = 'svc_latchkey_interleavings';
export const WEBHOOK_SECRET = 'a secret of webhooks, for interleavings alone';
export const BILLING_SECRET = `whsec_${randomBytes(24).toString('base64')}`;
export const TASK_HEADER = 'x-operation';
/** Two keys of the organization, and one. */
export const PLANS = { small: 2, tiny: 1 };
export const SETTLE_AFTER_MS = 2 * 2_000 + 1_000;

const PRODUCT = new URL('../../config/evershell.yaml', import.meta.url);
const POOL = 24;

export async function startWorld(server: string): Promise<World> {
  const database = await createDatabase(server);
  const sql = new Pool({ connectionString: database.url, max: 2 });
  const stage = makeStage((pids) => findBlocked(sql, pids));
  const time = holdTime();
  const seed = { ...demoSeed, organizations: [], people: [], memberships: [], machineClients: [] };
  const workos = await startEmulator({ port: 0, stateFile: ':memory:', seed, clock: time.clock });
  const issued: IssuedSecret[] = [];
  const passFetch = globalThis.fetch;
  globalThis.fetch = hookFetch({ stage, workosUrl: workos.url, passFetch, onIssued: (one) => issued.push(one) });
  const db = connectHooked({ url: database.url, poolMax: POOL }, stage);
  const complaints: string[] = [];
  const parts = makeParts({ db, stage, workos, clock: time.clock, complain: (line) => void complaints.push(line) });
  const tasks = new Map<string, Task>();
  const http = await listen(ofTasks(parts.container.app, stage, tasks), { host: '127.0.0.1', port: 0 });
  return {
    ...time,
    stage,
    url: http.url,
    workos,
    background: parts.container.background,
    reconcile: parts.reconcile,
    marker: parts.marker,
    sql,
    tasks,
    issued,
    complaints: () => complaints.splice(0),
    passFetch,
    async close() {
      globalThis.fetch = passFetch;
      time.release();
      parts.container.streams.end();
      await http.close(500);
      await parts.container.usage.close();
      await parts.container.limits.close();
      await db.destroy();
      await sql.end();
      await workos.close();
      await database.drop();
    },
  };
}

/** The machine's time stands still, too: what signs and verifies webhooks knows no other clock. */
function holdTime() {
  const realNow = Date.now;
  let now = realNow();
  Date.now = () => now;
  return {
    clock: () => new Date(now),
    advance: (milliseconds: number) => {
      now += milliseconds;
    },
    release: () => {
      Date.now = realNow;
    },
  };
}

type PartDeps = { db: Knex; stage: Stage; workos: Emulator; clock: () => Date; complain: (line: string) => void };

function makeParts({ db, stage, workos, clock, complain }: PartDeps) {
  const config = readConfig(environment(workos));
  const file = readProduct(PRODUCT);
  const plans = Object.entries(PLANS).map(([name, keys]) => ({
    name,
    key_limit: keys,
    rate_limit: 'none' as const,
    concurrency: 'none' as const,
  }));
  const owners = ['organization' as const, 'user' as const];
  const product = ProductFile.parse({
    ...file,
    api_keys: { ...file.api_keys, owners },
    plans: [...file.plans, ...plans],
  });
  const log = makeLogger({ level: 'error', pretty: false, destination: { write: complain } });
  const given = { config, product, db, log, clock, at: (name: string) => stage.boundary(`· ${name}`) };
  const container = makeContainer({ ...given, alone: true, strict: true });
  return {
    container,
    // Replicas read each other's changes once a second, which no interleaving could repeat.
    reconcile: makeReconciliation({ ...given, alone: true }),
    marker: makeMarker(...deriveKeys(config, 'workos key marker')),
  };
}

function ofTasks(app: RequestListener, stage: Stage, tasks: ReadonlyMap<string, Task>): RequestListener {
  return (request, response) => {
    const name = request.headers[TASK_HEADER];
    stage.within(typeof name === 'string' ? tasks.get(name) : undefined, () => app(request, response));
  };
}

async function findBlocked(sql: Pool, pids: readonly number[]): Promise<ReadonlySet<number>> {
  const { rows } = await sql.query<{ pid: number }>(
    'select pid from unnest($1::int[]) as pid where cardinality(pg_blocking_pids(pid)) > 0',
    [pids],
  );
  return new Set(rows.map(({ pid }) => pid));
}

async function createDatabase(server: string) {
  const name = `latchkey_interleavings_${randomBytes(6).toString('hex')}`;
  // Deadlocks are found at once: the operations that are held would otherwise all wait a second for it.
  await asAdmin(server, `create database ${name}`, `alter database ${name} set deadlock_timeout = '20ms'`);
  const url = withDatabase(server, name);
  const db = connectDatabase({ url, poolMax: 1 });
  await migrate(db);
  await db.destroy();
  return { url, drop: () => asAdmin(server, `drop database if exists ${name} with (force)`) };
}

async function asAdmin(server: string, ...statements: string[]): Promise<void> {
  const client = new Client({ connectionString: server });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}

function environment(workos: Emulator): Record<string, string> {
  return {
    DATABASE_URL: 'postgres://handed-in',
    WORKOS_API_KEY: workos.apiKey,
    WORKOS_CLIENT_ID: workos.clientId,
    WORKOS_API_URL: workos.url,
    WORKOS_AUTHKIT_URL: workos.url,
    WORKOS_TIMEOUT_MS: String((SETTLE_AFTER_MS - 1_000) / 2),
    WORKOS_WEBHOOK_SECRET: WEBHOOK_SECRET,
    WORKOS_BREAKER_FAILURES: '10000',
    WORKOS_VALIDATIONS_PER_SECOND: '10000',
    WORKOS_SETTLEMENTS_PER_SECOND: '10000',
    WORKOS_UNEXPECTED_KEYS_PER_MINUTE: '1000000',
    LATCHKEY_FAILED_CREDENTIALS_PER_MINUTE: '0',
    WORKOS_KEY_CHANGES_PER_SECOND: '10000',
    LATCHKEY_KEY_CHANGES_PER_MINUTE: '1000000',
    BILLING_WEBHOOK_SECRETS: BILLING_SECRET,
    WORKOS_COOKIE_PASSWORD: randomBytes(24).toString('hex'),
    LATCHKEY_SECRET: randomBytes(32).toString('hex'),
    LATCHKEY_SERVICE_TOKENS: SERVICE_TOKEN,
  };
}
