import './lean-heap.ts';
import { readConfig } from './config.ts';
import { makeContainer } from './container.ts';
import { assertReachable, connectDatabase } from './db/connect.ts';
import { listenTo } from './db/listen.ts';
import { assertMigrated } from './db/migrations.ts';
import { listen } from './http/server.ts';
import { makeLifetime } from './lifetime.ts';
import { packageFile } from './package-file.ts';
import { readProduct } from './permissions/read-product.ts';
import { runProcess } from './process.ts';
import { makeLogger } from './telemetry/logger.ts';
import { INVALIDATION_CHANNEL } from './verification/invalidation.ts';

/** The production start: environment → container → HTTP, and an orderly stop. */
await runProcess(async () => {
  const config = readConfig(process.env);
  const product = readProduct(config.productFile ?? packageFile('config/evershell.yaml'));
  const log = makeLogger({ level: config.logLevel, pretty: process.stdout.isTTY });
  const lifetime = makeLifetime();
  await assertReachable(config.databaseUrl);
  const db = connectDatabase({ url: config.databaseUrl, poolMax: config.databasePoolMax, log });
  lifetime.onEnd(() => db.destroy());
  await assertMigrated(db);
  const { app, background, trust, streams, usage, limits } = makeContainer({ config, product, db, log });
  lifetime.onEnd(usage.close);
  const channel = listenTo({ url: config.databaseUrl, channel: INVALIDATION_CHANNEL, ...trust, log });
  lifetime.onEnd(channel.close);
  lifetime.onEnd(limits.close);
  await limits.ready;
  const server = await listen(app, config);
  lifetime.onEnd(() => server.close(config.shutdownGraceMs));
  lifetime.onEnd(streams.end);
  background.start();
  lifetime.onEnd(() => background.stop());
  log.info({ url: server.url }, 'latchkey listens');
  return { lifetime, log };
});
