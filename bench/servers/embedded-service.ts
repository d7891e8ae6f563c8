import { readConfig } from '../../src/app/read-config.ts';
import { makeContainer } from '../../src/app/container.ts';
import { connectEmbedded } from '../../src/db/connect-embedded.ts';
import { migrate } from '../../src/db/migrations.ts';
import { listen } from '../../src/http/server/server.ts';
import { readProduct } from '../../src/product/read-product.ts';
import { makeLogger } from '../../src/telemetry/logger.ts';

/**
 * Runs the service on its own embedded database: for machines without PostgreSQL, and for exchanges, since only such a start takes
 * the CI issuers of a local WorkOS, at `BENCH_LOCAL_ISSUERS`.
 */
const config = readConfig({ ...process.env, DATABASE_URL: 'postgres://embedded/bench' });
const product = readProduct(config.productFile ?? '');
const log = makeLogger({ level: config.logLevel, pretty: false, role: config.role });
const { db } = await connectEmbedded({ dataDir: 'memory://' });
await migrate(db);
const localIssuers = process.env['BENCH_LOCAL_ISSUERS'];
await listen(
  makeContainer({ config, product, db, log, alone: true, ...(localIssuers && { localIssuers }) }).app,
  config,
);
