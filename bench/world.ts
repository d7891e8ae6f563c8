import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lifetime } from '../src/process/shutdown.ts';
import { ask } from './ask.ts';
import { emptyDatabase } from './database.ts';
import { filledDatabase } from './filled-database.ts';
import { once } from './once.ts';
import { ROOT, startServer } from './start-server.ts';
import type { Core, Env, Server } from './start-server.ts';
import { ENVIRONMENT, SERVICE_TOKEN, machineToken, tenants } from './tenants.ts';

/** For every organization a machine token, an API key, and a key with a rate limit that is never reached. */
export type Callers = { tokens: string[]; keys: string[]; limitedKeys: string[] };
export type World = ReturnType<typeof makeWorld>;

const KEY = { label: 'bench', permission_set: 'read_only' };
const LIMITED_KEY = { ...KEY, rate_limit: { limit: 1_000_000, window_seconds: 1 } };

const READY_TRIES = 300;
const READY_PAUSE_MS = 100;

const SECRET = randomBytes(32).toString('hex');

/** Returns what sections share; each part starts at its first use. */
export function makeWorld(lifetime: Lifetime, serverUrl: string | undefined, { manyKeys }: { manyKeys: number }) {
  const workos = once(() => startServer(lifetime, 'bench/servers/workos.ts', 'other'));
  const database = once(async () => (serverUrl === undefined ? undefined : emptyDatabase(lifetime, serverUrl)));
  // Production runs the build; with the sources the measured process would strip types itself.
  const build = once(
    async () => void execFileSync(process.execPath, [join(ROOT, 'scripts/build.ts')], { stdio: 'inherit' }),
  );
  /** Without a database server the service has an embedded database in its process. */
  const startLatchkey = async (owner: Lifetime, core: Core, env: Env): Promise<Server> => {
    if (env['DATABASE_URL'] === undefined) return startServer(owner, 'bench/servers/embedded-service.ts', core, env);
    await build();
    const server = await startServer(owner, 'dist/src/main.js', core, env);
    await becomesReady(server.url);
    return server;
  };
  const replicaOn = async (core: Core) => startLatchkey(lifetime, core, await environment());
  const latchkey = once(() => replicaOn('measured'));
  const environment = async (): Promise<Env> => {
    const url = await database();
    return { ...settings((await workos()).url), ...(url !== undefined && { DATABASE_URL: url }) };
  };
  return {
    /** For databases besides the shared one. */
    serverUrl,
    /** The local WorkOS. */
    workos,
    /** Latchkey with the required settings only. */
    latchkey,
    /** Starts another Latchkey, with its own lifetime or settings. */
    startLatchkey,
    /** Another replica on the same database. */
    replica: once(() => replicaOn('other')),
    callers: once(async () => makeCallers((await latchkey()).url, (await workos()).url)),
    /** The environment of a service on the shared database. */
    environment,
    secret: SECRET,
    manyKeys,
    /** The database with the large mirror. */
    manyKeysUrl: once(() => filledDatabase(lifetime, { serverUrl: serverUrl!, secret: SECRET, keys: manyKeys })),
  };
}

function settings(workosUrl: string): Record<string, string> {
  return {
    WORKOS_API_KEY: ENVIRONMENT.apiKey,
    WORKOS_CLIENT_ID: ENVIRONMENT.clientId,
    WORKOS_API_URL: workosUrl,
    WORKOS_AUTHKIT_URL: workosUrl,
    WORKOS_COOKIE_PASSWORD: randomBytes(32).toString('hex'),
    LATCHKEY_SECRET: SECRET,
    LATCHKEY_SERVICE_TOKENS: SERVICE_TOKEN,
    LATCHKEY_CONFIG: 'bench/product.yaml',
    // Raised, because creates are measured and the local WorkOS takes them all.
    WORKOS_KEY_CHANGES_PER_SECOND: '10000',
    LATCHKEY_KEY_CHANGES_PER_MINUTE: '1000000',
    // As docs/tutorials/run-in-production.md starts it.
    NODE_OPTIONS: '--max-semi-space-size=8',
    MALLOC_ARENA_MAX: '1',
  };
}

export async function makeCallers(latchkeyUrl: string, workosUrl: string): Promise<Callers> {
  const callers: Callers = { tokens: [], keys: [], limitedKeys: [] };
  for (const tenant of tenants) {
    const path = `/v1/organizations/${tenant.organizationId}/billing`;
    await ask(latchkeyUrl, 'PUT', path, SERVICE_TOKEN, { status: 'active' });
    const token = await machineToken(workosUrl, tenant);
    callers.tokens.push(token);
    callers.keys.push((await makeKey(latchkeyUrl, token, KEY)).value);
    callers.limitedKeys.push((await makeKey(latchkeyUrl, token, LIMITED_KEY)).value);
  }
  return callers;
}

export async function makeKey(url: string, token: string, body: object = KEY): Promise<{ id: string; value: string }> {
  return (await ask(url, 'POST', '/v1/api-keys', token, body)) as { id: string; value: string };
}

/** A database that was left alone for a minute is behind WorkOS until its events were read. */
async function becomesReady(url: string): Promise<void> {
  for (let i = 0; i < READY_TRIES; i++) {
    if ((await fetch(`${url}/readyz`)).ok) return;
    await sleep(READY_PAUSE_MS);
  }
  throw new Error(`${url} did not become ready`);
}
