import { afterAll } from 'vitest';
import type { z } from 'zod';
import { readConfig } from '../../src/app/read-config.ts';
import { makeContainer } from '../../src/app/container.ts';
import { connectDatabase } from '../../src/db/connect.ts';
import { makeDatabaseServer } from '../../src/db/database-server.ts';
import { listenTo } from '../../src/db/listen.ts';
import { startEmulator } from '../../src/emulator/emulator.ts';
import { listen } from '../../src/http/server/server.ts';
import { makeLifetime } from '../../src/process/shutdown.ts';
import { ProductFile } from '../../src/product/product.ts';
import { readProduct } from '../../src/product/read-product.ts';
import { makeLogger } from '../../src/telemetry/logger.ts';
import { INVALIDATION_CHANNEL } from '../../src/invalidation/invalidation.ts';
import type { Trust } from '../../src/invalidation/trust.ts';
import { makeTestClock } from '../support/clock.ts';
import { freshDatabase } from '../support/database.ts';
import { makeOrganizations } from '../support/organizations.ts';
import { emptySeed, environment } from '../support/service.ts';

export type Replica = { url: string; trust: Trust };

/** Several replicas on one database, as production starts them, and the means to start more. */
export async function startReplicas(
  env: Readonly<Record<string, string>> = {},
  { plans = [], ...said }: Partial<z.input<typeof ProductFile>> = {},
) {
  const lifetime = makeLifetime();
  afterAll(() => lifetime.end());
  const clock = makeTestClock();
  const workos = await startEmulator({ port: 0, stateFile: ':memory:', seed: emptySeed, clock });
  lifetime.onEnd(() => workos.close());
  const { db, url: databaseUrl, close } = await freshDatabase();
  lifetime.onEnd(close);
  if (databaseUrl === undefined) throw new Error('these tests need TEST_DATABASE_URL: replicas share a server');
  const given = { ...environment(workos), DATABASE_URL: databaseUrl, ...env };
  const usual = readProduct(new URL('../../config/evershell.yaml', import.meta.url));
  const product = ProductFile.parse({ ...usual, ...said, plans: [...usual.plans, ...plans] });
  const log = makeLogger({ level: 'silent', pretty: false });

  async function start(more: Readonly<Record<string, string>> = {}): Promise<Replica> {
    const own = connectDatabase({ url: databaseUrl!, poolMax: 5 });
    lifetime.onEnd(() => own.destroy());
    const { app, trust, streams, limits } = makeContainer({
      config: readConfig({ ...given, ...more }),
      product,
      db: own,
      log,
      clock,
      strict: true,
    });
    const channel = listenTo({
      server: makeDatabaseServer(databaseUrl!),
      channel: INVALIDATION_CHANNEL,
      ...trust,
      log,
    });
    lifetime.onEnd(channel.close);
    lifetime.onEnd(limits.close);
    await limits.ready;
    const server = await listen(app, { host: '127.0.0.1', port: 0 });
    lifetime.onEnd(() => server.close(1_000));
    lifetime.onEnd(streams.end);
    await trust.begun;
    return { url: server.url, trust };
  }

  return { db, workos, clock, start, organizations: makeOrganizations({ db, workos, clock }) };
}
