import './process/lean-heap.ts';
import { join, resolve } from 'node:path';
import { refuseUnkeyedLinks } from './audit/seals/closing.ts';
import { systemClock } from './clock.ts';
import { VARIABLES as variables, readConfig } from './app/read-config.ts';
import { makeContainer } from './app/container.ts';
import { connectEmbedded } from './db/connect-embedded.ts';
import { isFirst, migrate } from './db/migrations.ts';
import { holdDataFolder } from './embedded/data-folder.ts';
import { demoProductOf, firstKeyOf, folderOfProduct, hasTestKeys } from './embedded/demo-product.ts';
import { seedDemoTenants } from './tenants/demo-tenants.ts';
import { embeddedEnvironment, ignoredVariables, readStartVariables } from './embedded/environment.ts';
import { reasonOf } from './embedded/storage-errors.ts';
import { welcome } from './embedded/welcome.ts';
import { DEMO, demoSeedOf, demoTestSeedOf } from './emulator/demo.ts';
import { startEmulator } from './emulator/emulator.ts';
import type { Emulator, EmulatorOptions } from './emulator/emulator.ts';
import { profileNamed } from './emulator/profile/profile.ts';
import type { Seed } from './emulator/seed.ts';
import { StartError } from './errors.ts';
import { listen } from './http/server/server.ts';
import { makeLifetime } from './process/shutdown.ts';
import { packageFile } from './config/package-file.ts';
import { OLD_NAME, openProduct } from './product/read-product.ts';
import type { OldName, ProductSource } from './product/read-product.ts';
import { runProcess } from './process/run-process.ts';
import { makeLogger } from './telemetry/logger.ts';

/**
 * `npm start`: runs the service without any set-up, on loopback only, with PostgreSQL in the process, a local WorkOS and demo
 * tenants, until a signal.
 */
await runProcess(async () => {
  const oldNames: OldName[] = [];
  const path = process.env['LATCHKEY_CONFIG'] || packageFile('config/evershell.yaml');
  const source = openProduct(path, (found) => oldNames.push(found));
  const folder = folderOfProduct(resolve(readStartVariables(process.env).dataDir), source.product.product);
  const lifetime = makeLifetime();
  try {
    const started = await start(source, folder, lifetime);
    for (const found of oldNames) started.log.warn(found, OLD_NAME);
    return started;
  } catch (error) {
    await lifetime.end();
    throw error;
  }
});

async function start(source: ProductSource, folder: string, lifetime: ReturnType<typeof makeLifetime>) {
  const lock = holdDataFolder(folder);
  lifetime.onEnd(lock.release);
  const given = process.env;
  const { workosPort, ...others } = readStartVariables(given);
  const testPort = hasTestKeys(source.product) ? others.testPort : undefined;
  const config = readConfig(embeddedEnvironment({ given, variables, demo: DEMO, folder, workosPort, testPort }));
  const log = makeLogger({ level: config.logLevel, pretty: process.stdout.isTTY, role: config.role });

  // Fails on a taken port before the database is created.
  await (await listen(() => undefined, config)).close(0);
  const startWorkos = async (name: string, port: number, seed: Seed) => {
    const started = await startLocal({ port, stateFile: join(folder, name, 'state.sqlite'), seed }).catch(refuse);
    lifetime.onEnd(() => started.close());
    return started;
  };
  const demo = demoProductOf(source.product);
  const workos = await startWorkos('workos', workosPort, demoSeedOf(demo));
  const testWorkos =
    testPort === undefined ? undefined : await startWorkos('workos-test', testPort, demoTestSeedOf(demo));
  const database = await openDatabase(join(folder, 'postgres'));
  lifetime.onEnd(() => database.close());

  const { app, connections, background, streams, usage, limits } = makeContainer({
    config,
    ...source,
    db: database.db,
    log,
    alone: true,
    localIssuers: workos.url,
  });
  lifetime.onEnd(usage.close);
  lifetime.onEnd(limits.close);
  await limits.ready;
  const server = await listen(app, config, connections);
  lifetime.onEnd(() => server.close(config.shutdownGraceMs));
  lifetime.onEnd(streams.end);
  background.start();
  lifetime.onEnd(() => background.stop());
  process.stdout.write(
    welcome({
      product: source.product.product,
      url: server.url,
      workosUrl: workos.url,
      testWorkosUrl: testWorkos?.url,
      folder,
      milliseconds: performance.now(),
      firstKey: firstKeyOf(source.product),
      ignored: ignoredVariables(given),
    }),
  );
  return { lifetime, log };
}

async function startLocal(options: EmulatorOptions): Promise<Emulator> {
  return startEmulator({ ...options, profile: profileNamed(process.env['LOCAL_WORKOS_PROFILE']) });
}

/** @throws StartError if its files cannot be read or written, or the disk is full */
async function openDatabase(dataDir: string) {
  try {
    const database = await connectEmbedded({ dataDir });
    const migrated = await migrate(database.db);
    // A new database has no audit links of older releases.
    if (isFirst(migrated)) await database.db.transaction(refuseUnkeyedLinks);
    await seedDemoTenants(database.db, systemClock());
    return database;
  } catch (error) {
    throw new StartError(`The embedded database in ${dataDir} cannot be used: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

function refuse(error: unknown): never {
  throw new StartError(`The local WorkOS did not start: ${(error as Error).message}`, { cause: error });
}
