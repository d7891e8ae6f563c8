import { readConfig } from '../../src/app/read-config.ts';
import { makeContainer } from '../../src/app/container.ts';
import { connectEmbedded } from '../../src/db/connect-embedded.ts';
import { migrate } from '../../src/db/migrations.ts';
import { listen } from '../../src/http/server/server.ts';
import { readProduct } from '../../src/product/read-product.ts';
import { makeLogger } from '../../src/telemetry/logger.ts';

/** Runs the service on its own embedded database, for machines without PostgreSQL. */
const config = readConfig({ ...process.env, DATABASE_URL: 'postgres://embedded/bench' });
const product = readProduct(config.productFile ?? '');
const log = makeLogger({ level: config.logLevel, pretty: false });
const { db } = await connectEmbedded({ dataDir: 'memory://' });
await migrate(db);
await listen(makeContainer({ config, product, db, log, alone: true }).app, config);
