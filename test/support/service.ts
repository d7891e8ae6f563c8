import { randomBytes } from 'node:crypto';
import type { Knex } from 'knex';
import { afterAll } from 'vitest';
import type { z } from 'zod';
import { readConfig } from '../../src/app/read-config.ts';
import type { Background } from '../../src/background/background.ts';
import { makeContainer } from '../../src/app/container.ts';
import type { Container } from '../../src/app/container.ts';
import { makeDatabaseServer } from '../../src/db/database-server.ts';
import { listenTo } from '../../src/db/listen.ts';
import type { Emulator } from '../../src/emulator/emulator.ts';
import { demoSeed } from '../../src/emulator/demo.ts';
import type { Seed } from '../../src/emulator/seed.ts';
import type { FaultPoint } from '../../src/process/fault-point.ts';
import { listen } from '../../src/http/server/server.ts';
import { makeLifetime } from '../../src/process/shutdown.ts';
import { ProductFile } from '../../src/product/product.ts';
import type { Product } from '../../src/product/product.ts';
import { readProduct } from '../../src/product/read-product.ts';
import { makeLogger } from '../../src/telemetry/logger.ts';
import { INVALIDATION_CHANNEL } from '../../src/invalidation/invalidation.ts';
import type { Trust } from '../../src/invalidation/trust.ts';
import { makeTestClock } from './clock.ts';
import type { TestClock } from './clock.ts';
import { freshDatabase } from './database.ts';
import { startLocalWorkos } from './local-workos.ts';
import { makeOrganizations } from './organizations.ts';
import type { Organizations } from './organizations.ts';

export const SERVICE_TOKEN = 'svc_latchkey_tests';
export const COOKIE_PASSWORD = 'a cookie password of tests, long enough to be one';

const DEFAULT_PRODUCT = new URL('../../config/evershell.yaml', import.meta.url);

// The demo's roles and permissions, without its people: hashing their passwords is slow.
export const emptySeed = { ...demoSeed, organizations: [], people: [], memberships: [], machineClients: [] };

export type Service = {
  url: string;
  /** The address of the operations routes, if they have their own. */
  operationsUrl: string | undefined;
  db: Knex;
  workos: Emulator;
  clock: TestClock;
  /** The log lines so far. */
  logs: readonly string[];
  /** The background loops, which tests run step by step. */
  background: Background;
  organizations: Organizations;
  /** The parts of the service, for a command that needs the same. */
  parts: Parameters<typeof makeContainer>[0];
  /** The state of the LISTEN connection; a test may declare it lost. */
  trust: Trust;
  streams: Container['streams'];
  /** Starts another replica on the same database. */
  replica(): Promise<{ url: string }>;
  /** Starts the service again without fast paths, with its own memory and counts. */
  withoutFastPaths(): Promise<{ url: string }>;
};

export type Options = {
  at?: FaultPoint;
  /** Connects the service to its database on a server; the test keeps its direct connection. */
  through?: (url: string) => Promise<Knex>;
  /** Plans in addition to those of the default configuration. */
  plans?: readonly z.input<typeof ProductFile>['plans'][number][];
  /** The billing section of the configuration. */
  billing?: z.input<typeof ProductFile>['billing'];
  /** Sections that replace those of the default configuration. */
  product?: Partial<z.input<typeof ProductFile>>;
  /** The initial state of the local WorkOS. */
  seed?: Seed;
};

/** Starts the whole service on its own database and a local WorkOS; closed after the test file. */
export async function startService(
  env: Readonly<Record<string, string>> = {},
  { at, through, plans = [], billing, product: said, seed = emptySeed }: Options = {},
): Promise<Service> {
  const lifetime = makeLifetime();
  afterAll(() => lifetime.end());
  const clock = makeTestClock();
  const workos = await startLocalWorkos({ seed, clock });
  lifetime.onEnd(() => workos.close());
  const { db, url, close } = await freshDatabase();
  lifetime.onEnd(close);
  const own = through && url !== undefined ? await through(url) : db;
  lifetime.onEnd(() => own.destroy());
  const logs: string[] = [];
  const log = makeLogger({
    level: 'info',
    pretty: false,
    role: env['LATCHKEY_ROLE'] ?? 'all',
    destination: { write: (line: string) => void logs.push(line) },
  });
  const config = readConfig({ ...environment(workos), ...env });
  const given = { ...readProduct(config.productFile ?? DEFAULT_PRODUCT), ...said };
  const product = withPlans(ProductFile.parse(given), plans, billing);
  const parts = { config, product, db: own, log, clock };
  const { app, operations, background, trust, streams } = makeContainer({
    config,
    product,
    db: own,
    log,
    clock,
    alone: true,
    strict: true,
    localIssuers: workos.url,
    ...(at && { at }),
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  lifetime.onEnd(() => server.close(1_000));
  const apart = operations && (await listen(operations, { host: '127.0.0.1', port: 0 }));
  lifetime.onEnd(() => apart?.close(1_000));
  lifetime.onEnd(streams.end);
  /** Starts another replica. On a server it listens for changes; without notifications (embedded) it trusts no memory. */
  async function replica() {
    const other = makeContainer({ config, product, db: own, log, clock, strict: true, localIssuers: workos.url });
    if (url !== undefined) {
      const channel = listenTo({ server: makeDatabaseServer(url), channel: INVALIDATION_CHANNEL, ...other.trust, log });
      lifetime.onEnd(channel.close);
      await other.trust.begun;
    } else other.trust.proven(Infinity);
    lifetime.onEnd(other.limits.close);
    const second = await listen(other.app, { host: '127.0.0.1', port: 0 });
    lifetime.onEnd(() => second.close(1_000));
    lifetime.onEnd(other.streams.end);
    return { url: second.url };
  }
  async function withoutFastPaths() {
    const from = { config, product, db: own, log, clock, localIssuers: workos.url };
    const other = makeContainer({ ...from, alone: true, strict: true, fastPaths: false });
    const second = await listen(other.app, { host: '127.0.0.1', port: 0 });
    lifetime.onEnd(() => second.close(1_000));
    return { url: second.url };
  }
  return {
    url: server.url,
    operationsUrl: apart?.url,
    db,
    workos,
    clock,
    logs,
    background,
    trust,
    streams,
    replica,
    withoutFastPaths,
    parts,
    organizations: makeOrganizations({ db, workos, clock }),
  };
}

export function withPlans(
  product: Product,
  plans: NonNullable<Options['plans']>,
  billing?: Options['billing'],
): Product {
  return ProductFile.parse({ ...product, plans: [...product.plans, ...plans], ...(billing && { billing }) });
}

/** The environment of a service, with a new `LATCHKEY_SECRET` each time. */
export function environment(workos: Emulator): Record<string, string> {
  return {
    DATABASE_URL: 'postgres://handed-in',
    WORKOS_API_KEY: workos.apiKey,
    WORKOS_CLIENT_ID: workos.clientId,
    WORKOS_API_URL: workos.url,
    WORKOS_AUTHKIT_URL: workos.url,
    WORKOS_TIMEOUT_MS: '2000',
    // Tests with faults share a service with tests without.
    WORKOS_BREAKER_FAILURES: '10000',
    WORKOS_VALIDATIONS_PER_SECOND: '10000',
    WORKOS_SETTLEMENTS_PER_SECOND: '10000',
    WORKOS_KEY_CHANGES_PER_SECOND: '10000',
    LATCHKEY_KEY_CHANGES_PER_MINUTE: '1000000',
    WORKOS_REFRESHES_PER_SECOND: '10000',
    WORKOS_NAMES_PER_SECOND: '10000',
    // All tests have the same address.
    WORKOS_UNEXPECTED_KEYS_PER_MINUTE: '1000000',
    LATCHKEY_FAILED_CREDENTIALS_PER_MINUTE: '0',
    WORKOS_COOKIE_PASSWORD: COOKIE_PASSWORD,
    LATCHKEY_SECRET: randomBytes(32).toString('hex'),
    LATCHKEY_SERVICE_TOKENS: SERVICE_TOKEN,
  };
}
