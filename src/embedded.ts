import { join, resolve } from 'node:path';
import { z } from 'zod';
import { systemClock } from './clock.ts';
import { readConfig } from './config.ts';
import { makeContainer } from './container.ts';
import { connectEmbedded } from './db/connect-embedded.ts';
import { migrate } from './db/migrations.ts';
import { holdDataFolder, keptSecret } from './embedded/data-folder.ts';
import { demoProductOf, firstKeyOf, folderOfProduct, hasTestKeys } from './embedded/demo-product.ts';
import { seedDemoTenants } from './embedded/demo-tenants.ts';
import { welcome } from './embedded/welcome.ts';
import { DEMO, demoSeedOf, demoTestSeedOf } from './emulator/demo.ts';
import { startEmulator } from './emulator/emulator.ts';
import type { Seed } from './emulator/seed.ts';
import { StartError } from './errors.ts';
import { listen } from './http/server.ts';
import { makeLifetime } from './lifetime.ts';
import { packageFile } from './package-file.ts';
import type { Product } from './permissions/product.ts';
import { readProduct } from './permissions/read-product.ts';
import { runProcess } from './process.ts';
import { makeLogger } from './telemetry/logger.ts';

const DEFAULT_WORKOS_PORT = 4100;
const Port = z.coerce.number().int().min(1).max(65_535);
const LOOPBACK = ['127.0.0.1', 'localhost', '::1'];

/** The start without any set-up: PostgreSQL in this process, a local WorkOS, demo tenants; loopback only. */
await runProcess(async () => {
  const product = readProduct(process.env['LATCHKEY_CONFIG'] || packageFile('config/evershell.yaml'));
  const folder = folderOfProduct(resolve(process.env['LATCHKEY_DATA_DIR'] ?? '.data'), product.product);
  const lifetime = makeLifetime();
  try {
    return await start(product, folder, lifetime);
  } catch (error) {
    await lifetime.end();
    throw error;
  }
});

async function start(product: Product, folder: string, lifetime: ReturnType<typeof makeLifetime>) {
  const lock = holdDataFolder(folder);
  lifetime.onEnd(lock.release);
  const workosPort = readPort('WORKOS_PORT', DEFAULT_WORKOS_PORT);
  const testPort = hasTestKeys(product) ? readPort('WORKOS_TEST_PORT', workosPort + 1) : undefined;
  const config = readConfig(environment(folder, workosPort, testPort));
  const log = makeLogger({ level: config.logLevel, pretty: process.stdout.isTTY });

  // A taken port is told now, not after the database was made.
  await (await listen(() => undefined, config)).close(0);
  const startWorkos = async (name: string, port: number, seed: Seed) => {
    const started = await startEmulator({ port, stateFile: join(folder, name, 'state.sqlite'), seed }).catch(refuse);
    lifetime.onEnd(() => started.close());
    return started;
  };
  const demo = demoProductOf(product);
  const workos = await startWorkos('workos', workosPort, demoSeedOf(demo));
  const testWorkos =
    testPort === undefined ? undefined : await startWorkos('workos-test', testPort, demoTestSeedOf(demo));
  const database = await connectEmbedded({ dataDir: join(folder, 'postgres') });
  lifetime.onEnd(() => database.close());
  await migrate(database.db);
  await seedDemoTenants(database.db, systemClock());

  const { app, background, streams, usage } = makeContainer({ config, product, db: database.db, log, alone: true });
  lifetime.onEnd(usage.close);
  const server = await listen(app, config);
  lifetime.onEnd(() => server.close(config.shutdownGraceMs));
  lifetime.onEnd(streams.end);
  background.start();
  lifetime.onEnd(() => background.stop());
  process.stdout.write(
    welcome({
      product: product.product,
      url: server.url,
      workosUrl: workos.url,
      testWorkosUrl: testWorkos?.url,
      folder,
      milliseconds: performance.now(),
      firstKey: firstKeyOf(product),
    }),
  );
  return { lifetime, log };
}

function refuse(error: unknown): never {
  throw new StartError(`The local WorkOS did not start: ${(error as Error).message}`, { cause: error });
}

function readPort(name: string, otherwise: number): number {
  const port = Port.safeParse(process.env[name] || otherwise);
  if (!port.success) throw new StartError(`${name} needs a port, 1 to 65535.`);
  return port.data;
}

/** The configuration of the demo: fixed names, secrets of its own that it keeps in its data folder. */
function environment(
  folder: string,
  workosPort: number,
  testPort: number | undefined,
): Record<string, string | undefined> {
  const { HOST: host = '127.0.0.1', PORT, LOG_LEVEL, LATCHKEY_CONFIG } = process.env;
  if (!LOOPBACK.includes(host)) throw new StartError(`The embedded start listens on loopback only, not on ${host}.`);
  const workosUrl = `http://127.0.0.1:${workosPort}`;
  return {
    DATABASE_URL: 'postgres://embedded/latchkey',
    WORKOS_API_KEY: DEMO.apiKey,
    WORKOS_CLIENT_ID: DEMO.clientId,
    WORKOS_API_URL: workosUrl,
    WORKOS_AUTHKIT_URL: workosUrl,
    ...(testPort !== undefined && {
      WORKOS_API_KEY_TEST: DEMO.test.apiKey,
      WORKOS_CLIENT_ID_TEST: DEMO.test.clientId,
      WORKOS_API_URL_TEST: `http://127.0.0.1:${testPort}`,
    }),
    WORKOS_COOKIE_PASSWORD: keptSecret(folder, 'cookie-password'),
    LATCHKEY_SECRET: keptSecret(folder, 'secret'),
    LATCHKEY_SERVICE_TOKENS: 'svc_latchkey_demo',
    STRIPE_WEBHOOK_SECRET: 'whsec_latchkey_demo_stripe',
    // In base64 it reads: latchkey demo billing secret.
    BILLING_WEBHOOK_SECRETS: 'whsec_bGF0Y2hrZXkgZGVtbyBiaWxsaW5nIHNlY3JldA==',
    // Everybody is at the same address here, and tries things.
    LATCHKEY_FAILED_CREDENTIALS_PER_MINUTE: '0',
    WORKOS_UNEXPECTED_KEYS_PER_MINUTE: '1000',
    HOST: host,
    PORT,
    LOG_LEVEL,
    LATCHKEY_CONFIG,
    ...noticeSecrets(),
  };
}

/** Of the endpoints that another configuration may name; the demo has none. */
function noticeSecrets(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('LATCHKEY_NOTICES_SECRET')));
}
