import { createHash } from 'node:crypto';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Emulator } from '../../src/emulator/emulator.ts';
import type { Answer } from './harness.ts';
import { authenticate, call, PASSWORD, sdk, startDemo, TWO_ORGANIZATIONS } from './harness.ts';

const PATH = '/user_management/authorize';
const REDIRECT_URI = 'http://127.0.0.1:3000/auth/callback?keep=1';
const REQUEST = {
  client_id: 'client_latchkey',
  response_type: 'code',
  redirect_uri: REDIRECT_URI,
  provider: 'authkit',
  state: 'a"<b>',
};
let emulator: Emulator;

beforeAll(async () => {
  emulator = await startDemo();
  emulator.seed(TWO_ORGANIZATIONS);
});
afterAll(() => emulator.close());

const open = (changes: Record<string, string> = {}): Promise<Answer> =>
  call(emulator, 'GET', `${PATH}?${new URLSearchParams({ ...REQUEST, ...changes }).toString()}`, { key: null });
const post = (form: Record<string, string>, headers: Record<string, string> = {}): Promise<Answer> =>
  call(emulator, 'POST', PATH, { key: null, form, headers });
const exchange = (code: string, fields: object = {}) =>
  authenticate(emulator, { grant_type: 'authorization_code', code, ...fields });

/** What a browser would send: every field of the form, filled in where a person would. */
function fill({ text }: Answer, values: Record<string, string>): Record<string, string> {
  const hidden = [...text.matchAll(/<input type="hidden" name="(?<name>[^"]*)" value="(?<value>[^"]*)">/g)];
  return {
    ...Object.fromEntries(hidden.map(({ groups }) => [groups!['name']!, unescapeHtml(groups!['value']!)])),
    ...values,
  };
}

const signInAs = async (email: string, changes: Record<string, string> = {}) =>
  post(fill(await open(changes), { email, password: PASSWORD }));
const codeOf = (answer: Answer): string => new URL(answer.headers.get('location')!).searchParams.get('code')!;

const unescapeHtml = (value: string) =>
  value
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');

describe('the sign-in page', () => {
  it('redirects back with the state and a code that signs in once', async () => {
    const answer = await signInAs('owner@acme.test');
    expect(answer.status).toBe(302);
    const target = new URL(answer.headers.get('location')!);
    expect(`${target.origin}${target.pathname}`).toBe('http://127.0.0.1:3000/auth/callback');
    expect(target.searchParams.get('keep')).toBe('1');
    expect(target.searchParams.get('state')).toBe(REQUEST.state);
    expect(await exchange(codeOf(answer))).toMatchObject({
      status: 200,
      body: { organization_id: 'org_acme', user: { id: 'user_acme_owner' } },
    });
    expect(await exchange(codeOf(answer))).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
  });

  it('has no script, escapes parameters and fills in the login hint', async () => {
    const { text, headers } = await open({ login_hint: '"><script>alert(1)</script>' });
    expect(text).not.toMatch(/<script/i);
    expect(text).toContain('value="&quot;&gt;&lt;script&gt;');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  it('shows that the password is wrong and keeps the email', async () => {
    const answer = await post(fill(await open(), { email: 'owner@acme.test', password: 'wrong' }));
    expect(answer.status).toBe(401);
    expect(answer.text).toContain('Wrong email address or password.');
    expect(answer.text).toContain('value="owner@acme.test"');
  });

  it('asks a person in several organizations to choose one', async () => {
    const choice = await signInAs('twofold@acme.test');
    expect(choice.status).toBe(200);
    expect(choice.text).toContain('>Globex</button>');
    const answer = await post(fill(choice, { chosen_organization_id: 'org_globex' }));
    const { body } = await exchange(codeOf(answer));
    expect(decodeJwt(body.access_token)).toMatchObject({ org_id: 'org_globex', role: 'owner' });
  });

  it('refuses an organization that the person does not belong to', async () => {
    expect(await signInAs('owner@acme.test', { organization_id: 'org_globex' })).toMatchObject({ status: 401 });
    const choice = await signInAs('twofold@acme.test');
    expect(await post(fill(choice, { chosen_organization_id: 'org_hooli' }))).toMatchObject({ status: 401 });
  });

  it.each([
    { redirect_uri: 'https://evil.example/callback' },
    { redirect_uri: 'javascript:alert(1)' },
    { redirect_uri: 'http://127.0.0.1.evil.example/' },
    { client_id: 'client_x' },
    { response_type: 'token' },
    { provider: 'GoogleOAuth' },
    { code_challenge: 'x', code_challenge_method: 'plain' },
  ])('refuses %j without redirecting, on a form that was tampered with, too', async (changes) => {
    expect(await open(changes as Record<string, string>)).toMatchObject({ status: 400 });
    expect(
      await post({ ...REQUEST, ...(changes as Record<string, string>), email: 'owner@acme.test', password: PASSWORD }),
    ).toMatchObject({ status: 400 });
  });

  it('refuses a form of another site with 403', async () => {
    const form = { ...REQUEST, email: 'owner@acme.test', password: PASSWORD };
    expect(await post(form, { origin: 'https://evil.example' })).toMatchObject({ status: 403 });
    expect(await post(form, { origin: 'null' })).toMatchObject({ status: 403 });
    expect(await post(form, { 'sec-fetch-site': 'cross-site' })).toMatchObject({ status: 403 });
    expect(await post(form, { origin: emulator.url, 'sec-fetch-site': 'same-origin' })).toMatchObject({ status: 302 });
  });
});

describe('a code with a challenge', () => {
  const verifier = 'v'.repeat(43);
  const challenge = {
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  };

  it('is exchanged without a secret, with the verifier', async () => {
    const code = codeOf(await signInAs('owner@acme.test', challenge));
    expect(await exchange(code, { client_secret: undefined, code_verifier: verifier })).toMatchObject({ status: 200 });
  });

  it('is refused with a wrong verifier or none, even with the secret', async () => {
    for (const fields of [{ code_verifier: 'w'.repeat(43) }, {}]) {
      const code = codeOf(await signInAs('owner@acme.test', challenge));
      expect(await exchange(code, fields)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
    }
  });

  it('is the only way without a secret', async () => {
    const code = codeOf(await signInAs('owner@acme.test'));
    expect(await exchange(code, { client_secret: undefined })).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
  });
});

describe('the official SDK', () => {
  it('builds a URL that the page accepts, and exchanges the code', async () => {
    const { userManagement } = sdk(emulator);
    const { url, state, codeVerifier } = await userManagement.getAuthorizationUrlWithPKCE({
      provider: 'authkit',
      redirectUri: REDIRECT_URI,
    });
    const { pathname, search } = new URL(url);
    const page = await call(emulator, 'GET', `${pathname}${search}`, { key: null });
    const answer = await post(fill(page, { email: 'member@acme.test', password: PASSWORD }));
    expect(new URL(answer.headers.get('location')!).searchParams.get('state')).toBe(state);
    const signedIn = await userManagement.authenticateWithCode({ code: codeOf(answer), codeVerifier });
    expect(signedIn).toMatchObject({ organizationId: 'org_acme', user: { email: 'member@acme.test' } });
  });
});
