import knex from 'knex';
import { pino } from 'pino';
import { makeContainer } from '../../src/app/container.ts';
import type { Container } from '../../src/app/container.ts';
import { readConfig } from '../../src/app/read-config.ts';
import { StartError } from '../../src/errors.ts';
import { openText } from '../../src/product/read-product.ts';

const ENVIRONMENT = {
  DATABASE_URL: 'postgres://127.0.0.1/compiled',
  WORKOS_API_KEY: 'sk_compiled',
  WORKOS_CLIENT_ID: 'client_compiled',
  WORKOS_COOKIE_PASSWORD: 'x'.repeat(32),
  WORKOS_WEBHOOK_SECRET: 'x'.repeat(32),
  LATCHKEY_SECRET: 'x'.repeat(32),
};

/** Wires a service for a product file as the start does, without a database. @throws StartError as the start does */
export async function describedBy(yaml: string): Promise<Container['described']> {
  const source = openText(yaml, 'x.yaml');
  const db = knex({ client: 'pg' });
  try {
    const { described, limits, usage, streams } = makeContainer({
      config: readConfig(ENVIRONMENT),
      ...source,
      db,
      log: pino({ level: 'silent' }),
    });
    streams.end();
    await Promise.all([limits.close(), usage.close()]);
    return described;
  } finally {
    await db.destroy();
  }
}

/** Returns the message with which a product file stops the start. */
export async function refusalOf(yaml: string): Promise<string> {
  try {
    await describedBy(yaml);
  } catch (error) {
    if (error instanceof StartError) return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}
