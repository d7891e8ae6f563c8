import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { afterAll, expect, test } from 'vitest';
import { startEmulator } from '../../src/emulator/emulator.ts';
import { PASSWORD, addPerson, login, logout, refresh, tokensOf } from '../sessions/sign-in/sign-in.ts';
import { call, outcome } from '../support/api.ts';
import { signWebhook } from '../support/at-workos.ts';
import { startChild } from '../support/child.ts';
import { makeTestClock } from '../support/clock.ts';
import { freshDatabase } from '../support/database.ts';
import { makeOrganizations } from '../support/organizations.ts';
import { emptySeed, environment } from '../support/service.ts';

type Replica = { url: string };

const ROOT = new URL('../..', import.meta.url).pathname;
const HOOK_SECRET = 'a webhook secret of the tests';
const BOUND_MS = 250;
const ROUNDS = 20;
const OK = [200, undefined];

const { db, url: databaseUrl, close } = await freshDatabase();
afterAll(close);
if (databaseUrl === undefined) throw new Error('these tests need TEST_DATABASE_URL: replicas share a server');
const workos = await startEmulator({ port: 0, stateFile: ':memory:', seed: emptySeed });
afterAll(() => workos.close());
const env = {
  ...environment(workos),
  DATABASE_URL: databaseUrl,
  LATCHKEY_CONFIG: productFile(),
  LATCHKEY_SIGN_INS_PER_MINUTE: '10000',
  WORKOS_WEBHOOK_SECRET: HOOK_SECRET,
  PORT: '0',
};
const organizations = makeOrganizations({ db, workos, clock: makeTestClock() });
const [first, second] = await Promise.all([replica(), replica()]);

/** A product whose people sign in with a password, and get WorkOS's own tokens. */
function productFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-sign-out-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'product.yaml');
  const opaque = readFileSync(join(ROOT, 'examples/systems/embermind.yaml'), 'utf8');
  writeFileSync(file, opaque.replace('token: opaque', 'token: workos'));
  return file;
}

/** The service's own entry in a process of its own. */
async function replica(): Promise<Replica> {
  const child = startChild(process.execPath, ['src/main.ts'], { cwd: ROOT, env });
  afterAll(async () => {
    child.kill('SIGTERM');
    expect(await child.exited).toMatchObject({ code: 0 });
  });
  const [, url] = await child.saw(/"url":"(http[^"]+)"/);
  return { url: url! };
}

const me = async (at: Replica, token: string) => outcome(await call(at, 'GET', '/v1/permission-sets', { token }));

/** Somebody whose session the other process knows from memory. */
async function signedIn() {
  const { email } = await addPerson({ organizations, workos });
  const tokens = tokensOf(await login(first, { email, password: PASSWORD }));
  for (let i = 0; i < 2; i++) expect(await me(second, tokens.access_token)).toEqual(OK);
  return tokens;
}

/** How long after now the other process refuses the token, in milliseconds. */
async function delayUntilOver(token: string): Promise<number> {
  const from = performance.now();
  for (;;) {
    const [status, code] = await me(second, token);
    if (status === 401 && code === 'credential_expired') return performance.now() - from;
    if (performance.now() - from > 5_000) throw new Error('it was never refused');
  }
}

async function revokedAtWorkos(token: string) {
  const { sid: id, sub: user_id, org_id: organization_id } = decodeJwt(token);
  const created_at = new Date().toISOString();
  const event = { id: 'event_x', event: 'session.revoked', created_at, data: { id, user_id, organization_id } };
  const body = JSON.stringify(event);
  const headers = { 'workos-signature': signWebhook(HOOK_SECRET, body) };
  return call(first, 'POST', '/v1/hooks/workos', { body, headers });
}

test.each<[string, (token: string) => Promise<{ status: number }>]>([
  ['who signs out', (token) => logout(first, token)],
  ['whose session WorkOS revokes', revokedAtWorkos],
])('in one process %s is refused by another within 250 ms of the answer', async (_who, end) => {
  const delays: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const { access_token, refresh_token } = await signedIn();
    expect((await end(access_token)).status).toBe(200);
    delays.push(await delayUntilOver(access_token));
    expect((await refresh(second, { refresh_token })).status).toBe(401);
  }
  expect(Math.max(...delays)).toBeLessThan(BOUND_MS);
});

test('a process without its LISTEN connection reads the database, and lags by no more than the detection of the loss', async () => {
  for (let i = 0; i < 3; i++) {
    const { access_token } = await signedIn();
    await db.raw(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'latchkey listener' and datname = current_database()",
    );
    await logout(first, access_token);
    expect(await delayUntilOver(access_token)).toBeLessThan(BOUND_MS);
  }
});
