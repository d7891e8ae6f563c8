import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { call, outcome } from '../support/api.ts';
import { someSecret } from '../support/audit.ts';
import { atWorkos } from '../support/at-workos.ts';
import { restartWith } from '../support/restart.ts';
import { startService } from '../support/service.ts';
import { PASSWORD, addPerson, login, tokensOf } from './sign-in/sign-in.ts';

const sessions = { password_sign_in: true };
const OK = [200, undefined];
const HOUR_MS = 60 * 60_000;
/** Between two requests of a client. Thirty clients then ask 150 times as often as the budget allows. */
const PAUSE_MS = 20;
const fewGuesses = await startService(
  { LATCHKEY_FAILED_CREDENTIALS_PER_MINUTE: '5', TRUST_PROXY: '1' },
  { product: { sessions } },
);
const secret = someSecret();
const env = { WORKOS_REFRESHES_PER_SECOND: '10', LATCHKEY_SIGN_INS_PER_ACCOUNT_MINUTE: '100', TRUST_PROXY: '1' };
const fewTurns = await startService({ ...env, LATCHKEY_SECRET: secret }, { product: { sessions } });

describe('POST /v1/auth/refresh', () => {
  test('renews a session from an address that guesses', async () => {
    const { email } = await addPerson(fewGuesses);
    const { refresh_token } = tokensOf(await login(fewGuesses, { email, password: PASSWORD }));
    const headers = { 'x-forwarded-for': '203.0.113.4' };
    const renew = (token: string) =>
      call(fewGuesses, 'POST', '/v1/auth/refresh', { headers, body: { refresh_token: token } });
    for (let i = 0; i < 10; i++) {
      await call(fewGuesses, 'GET', '/v1/me/session', { headers, token: `sk_nobodys_key_but_long_enough_${i}` });
      await renew(`guess-${i}`);
    }
    expect(outcome(await renew('another guess'))).toEqual([429, 'rate_limited']);
    expect(outcome(await renew(refresh_token))).toEqual([200, undefined]);
  });
});

type At = { url: string };
type Renewal = { refresh_token: string; access_token?: string };

const renewAt = (at: At, body: Renewal) =>
  call(at, 'POST', '/v1/auth/refresh', { headers: { 'x-forwarded-for': '203.0.113.4' }, body });

/** Renews each while guesses come from the same network. */
async function renewUnderFlood(at: At, renewals: readonly Renewal[]) {
  const guesses = await floodOf((i) => renewAt(at, { refresh_token: `guess-${i}` }));
  const renewed = await Promise.all(renewals.map((each) => renewAt(at, each)));
  await guesses.end();
  return renewed;
}

async function openHere(count: number): Promise<Renewal[]> {
  const { email } = await addPerson(fewTurns);
  const opened: Renewal[] = [];
  for (let i = 0; i < count; i++) {
    const { refresh_token } = tokensOf(await login(fewTurns, { email, password: PASSWORD }));
    opened.push({ refresh_token });
  }
  return opened;
}

/** As AuthKit's own page does. */
async function openAtWorkos(count: number): Promise<Required<Renewal>[]> {
  const { email } = await addPerson(fewTurns);
  const { clientId, apiKey } = fewTurns.workos;
  const proof = { client_id: clientId, client_secret: apiKey, grant_type: 'password', email, password: PASSWORD };
  const opened: Required<Renewal>[] = [];
  for (let i = 0; i < count; i++) {
    const path = '/user_management/authenticate';
    const { refresh_token, access_token } = await atWorkos<Required<Renewal>>(fewTurns, 'POST', path, proof);
    opened.push({ refresh_token, access_token });
  }
  return opened;
}

describe('POST /v1/auth/refresh from a network that floods with bad refresh tokens', () => {
  test('renews sessions', async () => {
    const opened = await openHere(4);
    const renewed = await renewUnderFlood(fewTurns, opened);
    expect(renewed.map(outcome)).toEqual(opened.map(() => OK));
    // The next token is known, too; one that is used up is a guess like any other.
    const replays = await floodOf(() => renewAt(fewTurns, opened[0]!));
    const again = await Promise.all(
      renewed.map((each) => renewAt(fewTurns, { refresh_token: tokensOf(each).refresh_token })),
    );
    await replays.end();
    expect(again.map(outcome)).toEqual(opened.map(() => OK));
  });

  test('renews sessions on a replica that did not open them', async () => {
    const opened = await openHere(4);
    const other = await fewTurns.replica();
    const renewed = await renewUnderFlood(other, opened);
    expect(renewed.map(outcome)).toEqual(opened.map(() => OK));
    const next = renewed.map((each) => ({ refresh_token: tokensOf(each).refresh_token }));
    expect((await renewUnderFlood(fewTurns, next)).map(outcome)).toEqual(opened.map(() => OK));
  });

  test('renews sessions after a restart with a new secret', async () => {
    const opened = await openHere(4);
    const secrets = { LATCHKEY_SECRET: someSecret(), LATCHKEY_PREVIOUS_SECRETS: secret };
    const restarted = await restartWith(fewTurns, { ...env, ...secrets }, { sessions });
    expect((await renewUnderFlood(restarted, opened)).map(outcome)).toEqual(opened.map(() => OK));
  });

  test('renews sessions of AuthKit that send their expired access token', async () => {
    const opened = await openAtWorkos(4);
    fewTurns.clock.advance(HOUR_MS);
    expect((await renewUnderFlood(fewTurns, opened)).map(outcome)).toEqual(opened.map(() => OK));
  });

  test.each<[string, (token: string) => string]>([
    ['with another signature', (token) => `${token.slice(0, -8)}AAAAAAAA`],
    [
      'with a person of its own',
      (token) => [token.split('.')[0], claims({ sub: 'user_x' }), token.split('.')[2]].join('.'),
    ],
    ['of nothing', () => 'no token'],
  ])('gives no turn for an access token %s', async (_what, forge) => {
    const [opened] = await openAtWorkos(1);
    const forged = Array.from({ length: 30 }, (_, i) => ({
      refresh_token: `guess-${i}`,
      access_token: forge(opened!.access_token),
    }));
    const answers = await renewUnderFlood(fewTurns, forged);
    expect(answers.filter(({ status }) => status === 503).length).toBeGreaterThan(10);
  });
});

function claims(said: object): string {
  return Buffer.from(JSON.stringify(said)).toString('base64url');
}

/** Thirty clients that ask again and again. Returns when some were refused for lack of room. */
async function floodOf(ask: (i: number) => Promise<{ status: number }>) {
  let [asked, refused] = [0, 0];
  const over = new AbortController();
  const one = async () => {
    while (!over.signal.aborted && asked < 10_000) {
      if ((await ask(asked++)).status === 503) refused++;
      await sleep(PAUSE_MS);
    }
  };
  const all = Array.from({ length: 30 }, one);
  await expect.poll(() => refused, { interval: 5, timeout: 5_000 }).toBeGreaterThan(20);
  return {
    async end() {
      over.abort();
      await Promise.all(all);
    },
  };
}
