import { randomBytes } from 'node:crypto';
import { connectDatabase } from '../src/db/connect.ts';
import { migrate } from '../src/db/migrations.ts';
import type { Lifetime } from '../src/lifetime.ts';
import { startServer } from './servers.ts';
import { ENVIRONMENT, SERVICE_TOKEN, tenants } from './tenants.ts';

export type Servers = {
  echo: string;
  alone: string;
  latchkey: string;
  database: string;
  tokens: string[];
  keys: string[];
};

/** Starts everything, makes billing know every organization, and gives each a token and one key. */
export async function prepare(lifetime: Lifetime, serverUrl: string | undefined): Promise<Servers> {
  const database = serverUrl === undefined ? undefined : await emptyDatabase(lifetime, serverUrl);
  const workos = await startServer(lifetime, 'bench/workos-server.ts', 'other');
  const echo = await startServer(lifetime, 'bench/echo-server.ts', 'measured');
  const databaseUrl = database && { DATABASE_URL: database.url };
  const entry = database ? 'src/main.ts' : 'bench/embedded-service.ts';
  const latchkey = await startServer(lifetime, entry, 'measured', { ...environment(workos), ...databaseUrl });
  const alone = await startServer(lifetime, 'bench/alone-server.ts', 'measured', {
    WORKOS_API_URL: workos,
    ...databaseUrl,
  });
  const tokens: string[] = [];
  const keys: string[] = [];
  for (const tenant of tenants) {
    await tellBilling(latchkey, tenant.organizationId);
    const token = await machineToken(workos, tenant);
    tokens.push(token);
    keys.push(await makeKey(latchkey, token));
  }
  return { echo, alone, latchkey, tokens, keys, database: database?.version ?? 'embedded (PGlite)' };
}

async function emptyDatabase(lifetime: Lifetime, serverUrl: string): Promise<{ url: string; version: string }> {
  const name = `latchkey_bench_${randomBytes(6).toString('hex')}`;
  const admin = connectDatabase({ url: serverUrl, poolMax: 1 });
  lifetime.onEnd(() => admin.destroy());
  await admin.raw('create database ??', [name]);
  lifetime.onEnd(() => admin.raw('drop database if exists ?? with (force)', [name]));
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  const db = connectDatabase({ url: url.href, poolMax: 1 });
  await migrate(db);
  const { rows } = await db.raw<{ rows: { server_version: string }[] }>('show server_version');
  await db.destroy();
  return { url: url.href, version: `PostgreSQL ${rows[0]!.server_version.split(' ')[0]}` };
}

function environment(workos: string): Record<string, string> {
  return {
    WORKOS_API_KEY: ENVIRONMENT.apiKey,
    WORKOS_CLIENT_ID: ENVIRONMENT.clientId,
    WORKOS_API_URL: workos,
    WORKOS_AUTHKIT_URL: workos,
    WORKOS_COOKIE_PASSWORD: randomBytes(32).toString('hex'),
    LATCHKEY_SECRET: randomBytes(32).toString('hex'),
    LATCHKEY_SERVICE_TOKENS: SERVICE_TOKEN,
    LATCHKEY_CONFIG: 'bench/product.yaml',
  };
}

async function tellBilling(url: string, organizationId: string): Promise<void> {
  await ask(`${url}/v1/organizations/${organizationId}/billing`, 'PUT', SERVICE_TOKEN, { status: 'active' });
}

async function machineToken(workos: string, { clientId, secret }: (typeof tenants)[number]): Promise<string> {
  const response = await fetch(`${workos}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: secret }),
  });
  return ((await response.json()) as { access_token: string }).access_token;
}

async function makeKey(url: string, token: string): Promise<string> {
  const made = await ask(`${url}/v1/api-keys`, 'POST', token, { label: 'session', permission_set: 'read_only' });
  return (made as { value: string }).value;
}

async function ask(url: string, method: string, token: string, body: object): Promise<unknown> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await fetch(url, { method, headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
  return response.json();
}
