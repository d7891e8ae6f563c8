import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import type { Answer } from './harness.ts';
import { authenticate, call, PASSWORD, startDemo, steppedClock, TWO_ORGANIZATIONS } from './harness.ts';

const { clock, forward } = steppedClock();
let emulator: Emulator;
beforeAll(async () => {
  emulator = await startDemo({ clock });
  emulator.seed(TWO_ORGANIZATIONS);
});
afterAll(() => emulator.close());

const start = (clientId = emulator.clientId): Promise<Answer> =>
  call(emulator, 'POST', '/user_management/authorize/device', { key: null, form: { client_id: clientId } });
const poll = (deviceCode: string) =>
  authenticate(emulator, {
    client_secret: undefined,
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    device_code: deviceCode,
  });
const submit = (form: Record<string, string>, headers = {}): Promise<Answer> =>
  call(emulator, 'POST', '/device', { key: null, form, headers });

it('signs a device in after a person has confirmed its code', async () => {
  const { body } = await start();
  expect(body).toMatchObject({ user_code: expect.stringMatching(/^[B-Z]{4}-[B-Z]{4}$/), interval: 5, expires_in: 300 });
  const { pathname, search } = new URL(body.verification_uri_complete);
  expect((await call(emulator, 'GET', `${pathname}${search}`, { key: null })).text).toContain(body.user_code);
  expect(await poll(body.device_code)).toMatchObject({ status: 400, body: { error: 'authorization_pending' } });
  const signIn = await submit({ user_code: body.user_code.toLowerCase(), answer: 'confirm' });
  expect(signIn.text).toContain('Sign in');
  const done = await submit({ user_code: body.user_code, email: 'owner@acme.test', password: PASSWORD });
  expect(done.text).toContain('Device connected');
  forward(5_000);
  expect(await poll(body.device_code)).toMatchObject({
    status: 200,
    body: { organization_id: 'org_acme', user: { id: 'user_acme_owner' } },
  });
  expect(await poll(body.device_code)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
});

it('answers slow_down to an early poll, and extends the interval', async () => {
  const { device_code: code } = (await start()).body;
  const errors: string[] = [];
  for (const wait of [0, 1_000, 6_000, 15_000]) {
    forward(wait);
    errors.push((await poll(code)).body.error);
  }
  expect(errors).toEqual(['authorization_pending', 'slow_down', 'slow_down', 'authorization_pending']);
});

it('asks a person in several organizations to choose one', async () => {
  const { body } = await start();
  const choice = await submit({ user_code: body.user_code, email: 'twofold@acme.test', password: PASSWORD });
  const token = /name="pending_authentication_token" value="(?<token>\w+)"/.exec(choice.text)!.groups!['token']!;
  await submit({
    user_code: body.user_code,
    pending_authentication_token: token,
    chosen_organization_id: 'org_globex',
  });
  expect((await poll(body.device_code)).body).toMatchObject({ organization_id: 'org_globex' });
});

it('ends with a denial or an expiry, after which its code is unknown', async () => {
  const denied = (await start()).body;
  await submit({ user_code: denied.user_code, answer: 'deny' });
  expect((await poll(denied.device_code)).body.error).toBe('access_denied');
  expect((await submit({ user_code: denied.user_code, answer: 'confirm' })).status).toBe(404);

  const late = (await start()).body;
  forward(300_001);
  expect((await poll(late.device_code)).body.error).toBe('expired_token');
  expect((await submit({ user_code: late.user_code, answer: 'confirm' })).status).toBe(404);
});

it('refuses a wrong password, another client, another site and an unknown code', async () => {
  const { body } = await start();
  expect((await submit({ user_code: body.user_code, email: 'owner@acme.test', password: 'wrong' })).status).toBe(401);
  expect((await start('client_x')).body.error).toBe('invalid_client');
  expect((await submit({ user_code: body.user_code }, { origin: 'https://evil.example' })).status).toBe(403);
  expect((await poll('unknown')).body.error).toBe('invalid_grant');
  expect((await poll(body.device_code)).body.error).toBe('authorization_pending');
});
