import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { connectDatabase } from '../src/db/connect.ts';
import { makeLifetime } from '../src/process/shutdown.ts';
import { runChild, startChild } from '../test/support/child.ts';
import type { Child } from '../test/support/child.ts';
import { withDatabase } from '../test/support/global-setup.ts';

// `npm run try:production [-- FOLDER]`: runs the production start as an operator does, as docs/tutorials/run-in-production.md
// shows it, on an empty database of the server at TEST_DATABASE_URL, with the local WorkOS as a separate process. FOLDER
// has the code: `src` (without one), or `node_modules/latchkey-server/dist/src` of an installed package.

const SERVICE_TOKEN = 'svc_try_production';
const STOP_WITHIN_MS = 5_000;

const code = resolve(process.argv[2] ?? 'src');
const ending = process.argv[2] === undefined ? 'ts' : 'js';
const lifetime = makeLifetime();

try {
  await run();
  say(`the production start of ${code} works`);
} finally {
  await lifetime.end();
}

async function run(): Promise<void> {
  const databaseUrl = await emptyDatabase();
  const workosUrl = await localWorkos();
  const env = environment(databaseUrl, workosUrl);
  await refusesToStartBehind(env);
  await migrates(env);
  const { service, url } = await starts(env);
  await makesAKey(url, workosUrl);
  await stops(service);
}

async function emptyDatabase(): Promise<string> {
  const server = process.env['TEST_DATABASE_URL'];
  if (server === undefined || server === '') throw new Error('TEST_DATABASE_URL must name a PostgreSQL server');
  const name = `latchkey_try_${randomBytes(6).toString('hex')}`;
  const admin = connectDatabase({ url: server, poolMax: 1 });
  lifetime.onEnd(() => admin.destroy());
  await admin.raw('create database ??', [name]);
  lifetime.onEnd(() => admin.raw('drop database if exists ?? with (force)', [name]));
  return withDatabase(server, name);
}

async function localWorkos(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-try-'));
  lifetime.onEnd(() => rm(folder, { recursive: true }));
  const workos = startChild('npm', ['run', 'workos'], { env: { PORT: '0', LATCHKEY_DATA_DIR: folder } });
  lifetime.onEnd(() => end(workos));
  const [, url] = await workos.saw(/Local WorkOS on (\S+?),? /);
  return url!;
}

function environment(databaseUrl: string, workosUrl: string): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl,
    WORKOS_API_KEY: 'sk_test_latchkey',
    WORKOS_CLIENT_ID: 'client_latchkey',
    WORKOS_API_URL: workosUrl,
    WORKOS_AUTHKIT_URL: workosUrl,
    WORKOS_COOKIE_PASSWORD: randomBytes(32).toString('hex'),
    LATCHKEY_SECRET: randomBytes(32).toString('hex'),
    LATCHKEY_SERVICE_TOKENS: SERVICE_TOKEN,
    PORT: '0',
  };
}

async function refusesToStartBehind(env: Record<string, string>): Promise<void> {
  const { code: exitCode, stderr } = await runChild(process.execPath, [entry('main')], { env });
  check(exitCode === 1 && stderr.includes('npm run migrate'), 'a start with migrations behind stops', stderr);
}

async function migrates(env: Record<string, string>): Promise<void> {
  const { code: exitCode, stdout, stderr } = await runChild(process.execPath, [entry('cli/migrate')], { env });
  check(exitCode === 0 && stdout.includes('ran '), 'the migrations run', stderr);
}

async function starts(env: Record<string, string>): Promise<{ service: Child; url: string }> {
  const service = startChild(process.execPath, [entry('main')], { env });
  lifetime.onEnd(() => end(service));
  const [, url] = await service.saw(/"url":"([^"]+)".*latchkey listens/);
  check((await fetch(`${url}/readyz`)).status === 200, 'the service starts and is ready');
  return { service, url: url! };
}

async function makesAKey(url: string, workosUrl: string): Promise<void> {
  const token = await signIn(workosUrl);
  const wanted = { label: 'CI runner', permission_set: 'read_only' };
  const early = await ask('POST', `${url}/v1/api-keys`, token, wanted);
  check(early.status === 423, 'an organization that billing does not know cannot make keys', early.text);
  const billing = await ask('PUT', `${url}/v1/organizations/org_acme/billing`, SERVICE_TOKEN, { status: 'active' });
  check(billing.status === 200, 'billing accepts the organization', billing.text);
  const made = await ask('POST', `${url}/v1/api-keys`, token, wanted);
  check(made.status === 201, 'a person makes a key');
  const key = JSON.parse(made.text) as { id: string; value: string };
  check((await ask('GET', `${url}/v1/me/session`, key.value)).status === 200, 'the key works');
  const revoked = await ask('DELETE', `${url}/v1/api-keys/${key.id}`, token);
  check(revoked.status === 200, 'the key is revoked', revoked.text);
  check((await ask('GET', `${url}/v1/me/session`, key.value)).status === 401, 'the revoked key is refused');
}

async function stops(service: Child): Promise<void> {
  service.kill('SIGTERM');
  const late = setTimeout(() => service.kill('SIGKILL'), STOP_WITHIN_MS);
  const { code: exitCode } = await service.exited;
  clearTimeout(late);
  check(exitCode === 0, 'SIGTERM ends the service with exit code 0', service.stderr());
}

async function signIn(workosUrl: string): Promise<string> {
  const response = await fetch(`${workosUrl}/user_management/authenticate`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      grant_type: 'password',
      client_id: 'client_latchkey',
      client_secret: 'sk_test_latchkey',
      email: 'owner@acme.test',
      password: 'latchkey-demo',
    }),
  });
  check(response.status === 200, 'a person signs in');
  return ((await response.json()) as { access_token: string }).access_token;
}

async function ask(method: string, url: string, token: string, body?: object) {
  const response = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, text: await response.text() };
}

async function end(child: Child): Promise<void> {
  child.kill('SIGTERM');
  await child.exited;
}

function entry(name: 'main' | 'cli/migrate'): string {
  return join(code, `${name}.${ending}`);
}

function check(holds: boolean, what: string, seen = ''): void {
  if (!holds) throw new Error(`Failed: ${what}. ${seen}`);
  say(what);
}

function say(line: string): void {
  process.stdout.write(`  ${line}\n`);
}
