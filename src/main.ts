import './process/lean-heap.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Knex } from 'knex';
import { readConfig } from './app/read-config.ts';
import type { Logger } from 'pino';
import { makeContainer } from './app/container.ts';
import type { Parts } from './app/platform.ts';
import type { Config } from './config/config.ts';
import { assertReachable, connectDatabase } from './db/connect.ts';
import { makeDatabaseServer, makeListenServer } from './db/database-server.ts';
import { listenTo } from './db/listen.ts';
import { assertMigrated } from './db/migrations.ts';
import { listen } from './http/server/server.ts';
import { PLACE, isSupervised, joinScrapes, sayServing } from './process/cluster/serving-process.ts';
import { shareOf } from './process/cluster/share-of.ts';
import { supervise } from './process/cluster/supervise.ts';
import { makeLifetime } from './process/shutdown.ts';
import { packageFile } from './config/package-file.ts';
import { OLD_NAME, openProduct } from './product/read-product.ts';
import { followRegion } from './region/follow-region.ts';
import { openRegion } from './region/open-region.ts';
import { runProcess } from './process/run-process.ts';
import type { Started } from './process/run-process.ts';
import { makeLogger } from './telemetry/logger.ts';
import { INVALIDATION_CHANNEL } from './invalidation/invalidation.ts';

/** How long the start waits for the database's first beat; without it the replica starts, but is not ready. */
const FIRST_BEAT_MS = 5_000;

/** The production start: this process serves or, with `LATCHKEY_PROCESSES`, supervises others that do. */
await runProcess(() => {
  const config = readConfig(process.env);
  const log = makeLogger({ level: config.logLevel, pretty: process.stdout.isTTY, role: config.role });
  if (config.processes === 1) return serve(config, log);
  return isSupervised() ? serveBesideOthers(config, log) : superviseAll(config, log);
});

async function serveBesideOthers(config: Config, log: Logger): Promise<Started> {
  const place = process.env[PLACE] ?? '';
  const started = await serve(shareOf(config), log, { scrapeOf: (registry) => joinScrapes(registry, place) });
  sayServing();
  return started;
}

async function superviseAll({ processes, shutdownDelayMs }: Config, log: Logger): Promise<Started> {
  const lifetime = makeLifetime();
  const { stop } = await supervise({ processes, log });
  lifetime.onEnd(stop);
  return { lifetime, log, delayMs: shutdownDelayMs };
}

/** Environment, container, HTTP server, and a shutdown in order. */
async function serve(config: Config, log: Logger, more: Pick<Parts, 'scrapeOf'> = {}): Promise<Started> {
  const source = openProduct(config.productFile ?? packageFile('config/evershell.yaml'), (field) =>
    log.warn(field, OLD_NAME),
  );
  const lifetime = makeLifetime();
  const server = makeDatabaseServer(config.databaseUrl);
  await assertReachable(config.databaseUrl, server);
  const listened = makeListenServer(server, config.databaseListenUrl);
  if (config.databaseListenUrl !== undefined) await assertReachable(config.databaseListenUrl, listened);
  const db = connectDatabase({ url: config.databaseUrl, server, poolMax: config.databasePoolMax, log });
  lifetime.onEnd(() => db.destroy());
  await assertMigrated(db);
  const regionDb = await joinRegion(config, { home: db, log, lifetime });
  const { app, operations, connections, background, trust, streams, drain, usage, limits, regionProof } = makeContainer(
    {
      config,
      ...source,
      db,
      log,
      ...(regionDb && { regionDb }),
      ...more,
    },
  );
  lifetime.onEnd(usage.close);
  const channel = listenTo({ server: listened, channel: INVALIDATION_CHANNEL, ...trust, log });
  lifetime.onEnd(channel.close);
  if (regionDb && regionProof) lifetime.onEnd(followRegion({ region: regionDb, proof: regionProof, log }).close);
  await Promise.race([trust.begun, sleep(FIRST_BEAT_MS, undefined, { ref: false })]);
  lifetime.onEnd(limits.close);
  await limits.ready;
  if (operations && config.operations) {
    const apart = await listen(operations, config.operations, connections);
    lifetime.onEnd(() => apart.close(config.shutdownGraceMs));
    log.info({ url: apart.url }, 'operations server listens');
  }
  const http = await listen(app, config, connections);
  lifetime.onEnd(() => http.close(config.shutdownGraceMs));
  lifetime.onEnd(streams.end);
  background.start();
  lifetime.onEnd(() => background.stop());
  // Gives load balancers time to see /readyz fail before anything closes.
  lifetime.onEnd(async () => {
    drain();
    await sleep(config.shutdownDelayMs);
  });
  log.info({ url: http.url }, 'latchkey listens');
  return { lifetime, log, delayMs: config.shutdownDelayMs };
}

type At = { home: Knex; log: Logger; lifetime: Started['lifetime'] };

/** Connects to the copy of the database near to this process, if there is one. */
async function joinRegion({ databaseReadUrl: url, databasePoolMax: poolMax }: Config, { home, log, lifetime }: At) {
  const region = url === undefined ? undefined : await openRegion({ url, poolMax, home, log });
  if (region) lifetime.onEnd(() => region.destroy());
  return region;
}
