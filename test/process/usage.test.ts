import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createLatchkeyClient } from '../../src/client/client.ts';
import { freePort, startEntry, stop, temporaryFolder } from './start.ts';

type Env = Record<string, string>;

async function start(env: Env) {
  const child = startEntry('embedded', env);
  await child.saw(/Stop with Ctrl-C/, 30_000);
  const baseUrl = `http://127.0.0.1:${env['PORT']}`;
  const owner = createLatchkeyClient({ baseUrl, token: await signIn(env) });
  return { child, owner, service: createLatchkeyClient({ baseUrl, token: 'svc_latchkey_demo' }) };
}

async function signIn(env: Env): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${env['WORKOS_PORT']}/user_management/authenticate`, {
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
  return ((await response.json()) as { access_token: string }).access_token;
}

type Running = Awaited<ReturnType<typeof start>>;

async function use({ service }: Running, key: string, times: number): Promise<void> {
  for (let i = 0; i < times; i++) expect(await service.verify({ key })).toMatchObject({ valid: true });
}

test('writes uses within a second, so that they survive a crash; a shutdown writes the rest', async () => {
  const folder = join(temporaryFolder(), 'data');
  const env = { LATCHKEY_DATA_DIR: folder, PORT: `${await freePort()}`, WORKOS_PORT: `${await freePort()}` };
  const first = await start(env);
  const { id, value } = await first.owner.keys.create({ label: 'CI', permission_set: 'read_only' });
  const totalIn = async ({ owner }: Running) => (await owner.keys.usage(id)).total;
  await use(first, value, 20);
  // A second is what is promised; the rest is for a machine that is busy.
  await expect.poll(() => totalIn(first), { timeout: 5_000 }).toBe(20);
  await stop(first.child, 'SIGKILL');

  const second = await start(env);
  expect(await totalIn(second)).toBe(20);
  await use(second, value, 5);
  expect(await stop(second.child)).toBe(0);

  const third = await start(env);
  expect(await totalIn(third)).toBe(25);
  expect((await third.owner.keys.get(id)).last_used_at).toMatch(/Z$/);
  await stop(third.child);
}, 120_000);
