import { spawnSync } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Stripe } from 'stripe';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startChild } from '../support/child.ts';
import type { Child } from '../support/child.ts';
import { npmStartArguments } from '../support/npm-start.ts';
import { freePort, runEntry, startEntry, stop, takePort, temporaryFolder } from './start.ts';

const hasCurl = spawnSync('curl', ['--version']).status === 0 && spawnSync('bash', ['--version']).status === 0;
const LABEL = 'CI runner — staging';

type CreatedKey = { id: string; value: string; label: string };

test('npm start prints its addresses, refuses a second start, stops in order and restarts with its data', async () => {
  const folder = join(temporaryFolder(), 'data');
  const env = { LATCHKEY_DATA_DIR: folder, PORT: `${await freePort()}`, WORKOS_PORT: `${await freePort()}` };

  const first = await start(env);
  expect(first.welcome).toContain(`http://127.0.0.1:${env.PORT}/docs`);
  expect(first.welcome).toContain(folder);
  expect(statSync(folder).mode & 0o077, 'nobody else may look into the folder').toBe(0);
  const key = hasCurl ? paste(first.welcome) : await makeKey(first);
  expect(key).toMatchObject({ label: LABEL, value: expect.stringMatching(/^sk_/) });
  expect((await session(first, key.value)).status).toBe(200);

  const second = await runEntry('embedded', { ...env, PORT: '0', WORKOS_PORT: `${await freePort()}` });
  expect(second).toMatchObject({
    code: 1,
    stderr: `Another Latchkey already runs on the data folder ${folder}. Stop it, or set LATCHKEY_DATA_DIR.\n`,
  });
  expect((await session(first, key.value)).status, 'the first is not disturbed').toBe(200);

  expect(await stop(first.child)).toBe(0);
  expect(first.child.stderr()).toBe('');

  const again = await start(env);
  expect((await session(again, key.value)).status, 'the key still works').toBe(200);
  expect(await keysAtWorkos(again), 'the local WorkOS still has it').toContain(key.id);
  expect(await stop(again.child, 'SIGINT')).toBe(0);
}, 120_000);

test('npm start needs at most half of the memory that it needed with the defaults of PostgreSQL and V8', async () => {
  const folder = temporaryFolder();
  const env = { LATCHKEY_DATA_DIR: folder, PORT: `${await freePort()}`, WORKOS_PORT: `${await freePort()}` };
  const run = async (): Promise<number> => {
    const child = startChild(process.execPath, npmStartArguments(), { env });
    onTestFinished(() => child.kill('SIGKILL'));
    await child.saw(/Stop with Ctrl-C/, 60_000);
    paste(child.stdout());
    const metrics = await (await fetch(`http://127.0.0.1:${env.PORT}/metrics`)).text();
    await stop(child);
    return Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics)![1]) / 1e6;
  };
  // The first start makes the database, by a second program, whose memory is given back some time later.
  await run();
  expect(await run()).toBeLessThan(270);
}, 150_000);

test('uses each given variable, or names it as ignored', async () => {
  const secret = 'whsec_of_my_own_stripe_endpoint';
  const env = {
    LATCHKEY_DATA_DIR: temporaryFolder(),
    PORT: `${await freePort()}`,
    WORKOS_PORT: `${await freePort()}`,
    STRIPE_WEBHOOK_SECRET: secret,
    LATCHKEY_SERVICE_TOKENS: 'svc_of_my_own',
    DATABASE_URL: 'postgres://127.0.0.1/elsewhere',
    WORKOS_API_KEY: 'sk_of_my_own',
    LATCHKEY_SECRET: 'x'.repeat(40),
    LOG_LEVEL: '',
  };
  const { child, url, welcome } = await start(env);
  expect(welcome).toMatch(/\n {4}ignored here +DATABASE_URL, WORKOS_API_KEY, LATCHKEY_SECRET\n/);
  expect((await stripeEvent(url, secret)).status).toBe(200);
  expect((await stripeEvent(url, 'whsec_latchkey_demo_stripe')).status).toBe(401);
  for (const token of ['svc_of_my_own', 'svc_latchkey_demo']) {
    const answer = await fetch(`${url}/v1/organizations`, { headers: { authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(200);
  }
  expect(await stop(child)).toBe(0);
}, 90_000);

describe('npm start exits with code 1 and one line', () => {
  test('for a port of the API that is taken', async () => {
    const port = await takenPort();
    const env = { LATCHKEY_DATA_DIR: temporaryFolder(), PORT: `${port}`, WORKOS_PORT: `${await freePort()}` };
    expect(await runEntry('embedded', env)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `Cannot listen on 127.0.0.1:${port}: another process listens there already.\n`,
    });
  });

  test('for a port of the local WorkOS that is taken', async () => {
    const port = await takenPort();
    const env = { LATCHKEY_DATA_DIR: temporaryFolder(), PORT: '0', WORKOS_PORT: `${port}` };
    const { code, stderr } = await runEntry('embedded', env);
    expect([code, stderr.trimEnd().split('\n')]).toEqual([
      1,
      [expect.stringMatching(new RegExp(`\\b${port}\\b.* in use`))],
    ]);
  });

  test('for an invalid port of the local WorkOS', async () => {
    const env = { LATCHKEY_DATA_DIR: temporaryFolder(), PORT: '0', WORKOS_PORT: 'http' };
    const { code, stderr } = await runEntry('embedded', env);
    expect([code, stderr.trimEnd().split('\n')]).toEqual([1, [expect.stringContaining('WORKOS_PORT')]]);
  });

  test('for an invalid port of the API', async () => {
    const env = { LATCHKEY_DATA_DIR: temporaryFolder(), PORT: 'abc', WORKOS_PORT: `${await freePort()}` };
    const { code, stderr } = await runEntry('embedded', env);
    expect([code, stderr]).toEqual([1, expect.stringContaining('  PORT: needs a whole number from 0 to 65535\n')]);
  });

  test.skipIf(process.getuid?.() !== 0)('for a disk that is full', async () => {
    const disk = temporaryFolder();
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', disk]);
    expect(status).toBe(0);
    onTestFinished(() => void spawnSync('umount', [disk]));
    const env = { LATCHKEY_DATA_DIR: join(disk, 'data'), PORT: '0', WORKOS_PORT: `${await freePort()}` };
    const { code, stderr } = await runEntry('embedded', env);
    expect([code, stderr]).toEqual([
      1,
      `The embedded database in ${join(disk, 'data', 'postgres')} cannot be used: the disk is full\n`,
    ]);
  });

  test('for a data folder that is a file', async () => {
    const folder = join(temporaryFolder(), 'file');
    writeFileSync(folder, '');
    const { code, stderr } = await runEntry('embedded', { LATCHKEY_DATA_DIR: folder });
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^The data folder \S+ cannot be used: .*\n$/)]);
  });

  test.each(['0.0.0.0', '::'])('for the address %s, which others could reach', async (host) => {
    const env = { LATCHKEY_DATA_DIR: temporaryFolder(), HOST: host, PORT: '0', WORKOS_PORT: `${await freePort()}` };
    expect(await runEntry('embedded', env)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `The embedded start listens on loopback only, not on ${host}.\n`,
    });
  });
});

type Running = { child: Child; url: string; workosUrl: string; welcome: string };

async function start(env: Record<string, string>): Promise<Running> {
  const child = startEntry('embedded', env);
  await child.saw(/Stop with Ctrl-C/, 60_000);
  const welcome = child.stdout();
  const place = (name: string) => new RegExp(`${name} +(http://\\S+)`).exec(welcome)![1]!;
  return { child, url: place('API'), workosUrl: place('local WorkOS'), welcome };
}

/** What the two printed lines do, pasted as they stand into a shell that knows nothing else. */
function paste(welcome: string): CreatedKey {
  const lines = welcome.split('\n').filter((line) => /^(TOKEN=|curl )/.test(line));
  expect(lines).toHaveLength(2);
  const { stdout } = spawnSync('bash', ['--norc', '-c', lines.join('\n')], { encoding: 'utf8' });
  return JSON.parse(stdout) as CreatedKey;
}

async function makeKey({ url, workosUrl }: Running): Promise<CreatedKey> {
  const signedIn = await post(`${workosUrl}/user_management/authenticate`, {
    grant_type: 'password',
    client_id: 'client_latchkey',
    client_secret: 'sk_test_latchkey',
    email: 'owner@acme.test',
    password: 'latchkey-demo',
  });
  const { access_token: token } = (await signedIn.json()) as { access_token: string };
  const made = await post(`${url}/v1/api-keys`, { label: LABEL, permission_set: 'full_access' }, token);
  return (await made.json()) as CreatedKey;
}

function post(url: string, body: object, token?: string): Promise<Response> {
  const headers = {
    'content-type': 'application/json',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
  };
  return fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
}

function stripeEvent(url: string, secret: string): Promise<Response> {
  const body = JSON.stringify({
    id: 'evt_1',
    type: 'customer.created',
    created: Date.now() / 1_000,
    data: { object: {} },
  });
  const signature = new Stripe('sk_test_unused').webhooks.generateTestHeaderString({ payload: body, secret });
  const headers = { 'content-type': 'application/json', 'stripe-signature': signature };
  return fetch(`${url}/v1/hooks/stripe`, { method: 'POST', headers, body });
}

function session({ url }: Running, key: string): Promise<Response> {
  return fetch(`${url}/v1/me/session`, { headers: { authorization: `Bearer ${key}` } });
}

async function keysAtWorkos({ workosUrl }: Running): Promise<string[]> {
  const response = await fetch(`${workosUrl}/organizations/org_acme/api_keys`, {
    headers: { authorization: 'Bearer sk_test_latchkey' },
  });
  const { data } = (await response.json()) as { data: { id: string }[] };
  return data.map(({ id }) => id);
}

async function takenPort(): Promise<number> {
  const server = await takePort();
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}
