import { onTestFinished } from 'vitest';
import { readConfig } from '../../src/app/read-config.ts';
import { makeContainer } from '../../src/app/container.ts';
import { listen } from '../../src/http/server/server.ts';
import { ProductFile } from '../../src/product/product.ts';
import { readProduct } from '../../src/product/read-product.ts';
import type { Background } from '../../src/background/background.ts';
import { makeLogger } from '../../src/telemetry/logger.ts';
import { environment } from './service.ts';
import type { Options, Service } from './service.ts';

/** Starts the service again on the same database and WorkOS with other settings; it stops when the test ends. */
export async function restartWith(
  { db, workos, clock }: Pick<Service, 'db' | 'workos' | 'clock'>,
  env: Readonly<Record<string, string>>,
  said: NonNullable<Options['product']> = {},
): Promise<{ url: string; background: Background; logs: readonly string[] }> {
  const logs: string[] = [];
  const destination = { write: (line: string) => void logs.push(line) };
  const { app, background, streams } = makeContainer({
    config: readConfig({ ...environment(workos), ...env }),
    product: ProductFile.parse({ ...readProduct(new URL('../../config/evershell.yaml', import.meta.url)), ...said }),
    db,
    log: makeLogger({ level: 'info', pretty: false, destination }),
    clock,
    alone: true,
    strict: true,
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  onTestFinished(async () => {
    streams.end();
    await server.close(1_000);
  });
  return { url: server.url, background, logs };
}
