import knex from 'knex';
import { pino } from 'pino';
import { makeContainer } from '../../src/app/container.ts';
import type { Container } from '../../src/app/container.ts';
import { readConfig } from '../../src/app/read-config.ts';
import { PROVIDERS } from '../../src/billing/webhooks/providers.ts';
import { ProductFile } from '../../src/product/product.ts';
import { readProduct } from '../../src/product/read-product.ts';

const signing = (byte: number) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`;

const REQUIRED = {
  DATABASE_URL: 'postgres://127.0.0.1/reference',
  WORKOS_API_KEY: 'sk_reference',
  WORKOS_CLIENT_ID: 'client_reference',
  WORKOS_API_KEY_TEST: 'sk_reference_test',
  WORKOS_CLIENT_ID_TEST: 'client_reference_test',
  WORKOS_COOKIE_PASSWORD: 'x'.repeat(32),
  LATCHKEY_SECRET: 'x'.repeat(32),
  LATCHKEY_NOTICES_SECRET: signing(2),
  LATCHKEY_LEAK_KEYS_GITLAB: 'https://gitlab.example/keys',
  // Nothing listens there, but the metrics of shared limits need it.
  REDIS_URL: 'redis://127.0.0.1:1',
};
const SWITCHED = {
  WORKOS_WEBHOOK_SECRET: 'x'.repeat(32),
  WORKOS_WEBHOOK_SECRET_TEST: 'y'.repeat(32),
  LATCHKEY_LEAK_ORIGINS: 'github,gitlab,depsdev',
  ...Object.fromEntries(PROVIDERS.map(({ variable }) => [variable.name, variable.example])),
};
const SIGN_IN = 'sessions.password_sign_in';
const TASKS = 'tasks';

/** The settings without which some route does not exist. */
export const SWITCHES: readonly string[] = [...Object.keys(SWITCHED), SIGN_IN, TASKS];

/** Returns the routes and metrics of a service that has every setting except `without`. The service never starts. */
export async function describedService(without?: string): Promise<Container['described']> {
  const db = knex({ client: 'pg' });
  const { described, limits, usage, streams } = makeContainer({
    config: readConfig({
      ...REQUIRED,
      ...Object.fromEntries(Object.entries(SWITCHED).filter(([name]) => name !== without)),
    }),
    product: productWith({ signIn: without !== SIGN_IN, tasks: without !== TASKS }),
    db,
    log: pino({ level: 'silent' }),
  });
  streams.end();
  await Promise.all([limits.close(), usage.close()]);
  await db.destroy();
  return described;
}

function productWith({ signIn, tasks }: { signIn: boolean; tasks: boolean }) {
  const product = readProduct(new URL('../../config/evershell.yaml', import.meta.url));
  return ProductFile.parse({
    ...product,
    api_keys: { ...product.api_keys, owners: ['organization', 'user'] },
    sessions: { ...product.sessions, password_sign_in: signIn },
    ...(tasks && { tasks: { max: 10 } }),
    webhooks: {
      audit_forwarding: true,
      endpoints: [{ name: 'crm', url: 'https://crm.example.com/', secret_env: 'LATCHKEY_NOTICES_SECRET' }],
    },
  });
}
