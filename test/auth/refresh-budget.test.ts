import { expect, test } from 'vitest';
import { call, outcome } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { PASSWORD, addPerson, login, tokensOf } from './sign-in.ts';

const sessions = { password_sign_in: true };
const OK = [200, undefined];
const fewGuesses = await startService(
  { LATCHKEY_FAILED_CREDENTIALS_PER_MINUTE: '5', TRUST_PROXY: '1' },
  { product: { sessions } },
);
const fewTurns = await startService(
  { WORKOS_REFRESHES_PER_SECOND: '10', LATCHKEY_SIGN_INS_PER_ACCOUNT_MINUTE: '100', TRUST_PROXY: '1' },
  { product: { sessions } },
);

test('guesses from an address do not stand in the way of a session that is renewed from there', async () => {
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

test('a flood of bad refresh tokens leaves room for sessions that are renewed from the same network', async () => {
  const { email } = await addPerson(fewTurns);
  const opened: string[] = [];
  for (let i = 0; i < 4; i++) opened.push(tokensOf(await login(fewTurns, { email, password: PASSWORD })).refresh_token);
  const renew = (token: string) =>
    call(fewTurns, 'POST', '/v1/auth/refresh', {
      headers: { 'x-forwarded-for': '203.0.113.4' },
      body: { refresh_token: token },
    });
  const guesses = await floodOf((i) => renew(`guess-${i}`));
  const renewed = await Promise.all(opened.map(renew));
  await guesses.end();
  expect(renewed.map(outcome)).toEqual(opened.map(() => OK));
  // The next token is known, too; one that is used up is a guess like any other.
  const replays = await floodOf(() => renew(opened[0]!));
  const again = await Promise.all(renewed.map((each) => renew(tokensOf(each).refresh_token)));
  await replays.end();
  expect(again.map(outcome)).toEqual(opened.map(() => OK));
});

/** Thirty clients that ask again and again. Returns when some were refused for lack of room. */
async function floodOf(ask: (i: number) => Promise<{ status: number }>) {
  let [asked, refused] = [0, 0];
  const over = new AbortController();
  const one = async () => {
    while (!over.signal.aborted && asked < 10_000) if ((await ask(asked++)).status === 503) refused++;
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
