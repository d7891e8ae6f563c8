import { describe, expect, test } from 'vitest';
import { call } from '../support/api.ts';
import { makeBrowser } from '../support/browser.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const PASSWORD = 'a password of this test';

/** Adds an organization whose owner has a password. */
async function addOwner() {
  const acme = await service.organizations.add();
  const email = `boss@${acme.name}.test`;
  const id = `user_${acme.name}_boss`;
  service.workos.seed({
    people: [{ id, email, password: PASSWORD }],
    memberships: [{ userId: id, organizationId: acme.id, role: 'owner' }],
  });
  return { acme, id, credentials: { email, password: PASSWORD } };
}
const locationOf = (response: Response) => response.headers.get('location') ?? '';

/** Expects a sign-in that opened no session, and returns the reason that the page gives. */
const refused = (response: Response) => {
  expect(response.status).toBe(302);
  const url = new URL(locationOf(response), service.url);
  expect(url.pathname).toBe('/console/signed-out');
  expect(url.searchParams.get('request_id')).toMatch(/^req_[0-9a-f]{24}$/);
  expect(response.headers.getSetCookie().filter((each) => each.startsWith('wos_session'))).toEqual([]);
  return url.searchParams.get('reason');
};

describe('GET /console/sign-in', () => {
  test('redirects to AuthKit with a state, a challenge and the own callback', async () => {
    const response = await makeBrowser(service).send('GET', '/console/sign-in');
    expect(response.status).toBe(302);
    const target = new URL(locationOf(response));
    expect(target.origin).toBe(service.workos.url);
    expect(Object.fromEntries(target.searchParams)).toMatchObject({
      client_id: service.workos.clientId,
      redirect_uri: `${service.url}/console/callback`,
      response_type: 'code',
      provider: 'authkit',
      code_challenge_method: 'S256',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      state: expect.stringMatching(/^[\w-]{43}$/),
    });
  });

  test('keeps state and verifier in a sealed cookie that scripts cannot read', async () => {
    const response = await makeBrowser(service).send('GET', '/console/sign-in');
    const [cookie] = response.headers.getSetCookie();
    expect(cookie).toMatch(/^latchkey_sign_in_[0-9a-f]{12}=Fe26\.2/);
    expect(cookie).toContain('; HttpOnly; SameSite=Lax');
    expect(cookie).toContain('; Path=/console;');
    expect(cookie).not.toContain(new URL(locationOf(response)).searchParams.get('state')!);
  });
});

describe('GET /console/callback', () => {
  test('opens a session in wos_session and leads back to the page asked for', async () => {
    const { acme, id, credentials } = await addOwner();
    const browser = makeBrowser(service);
    const response = await browser.signIn(credentials, { return_to: '/console/keys?q=a%20b#x' });
    expect([response.status, locationOf(response)]).toEqual([302, '/console/keys?q=a%20b#x']);
    const cookie = response.headers.getSetCookie().find((each) => each.startsWith('wos_session='));
    expect(cookie).toContain('; HttpOnly; SameSite=Lax');
    expect([...browser.cookies.keys()]).toEqual(['wos_session']);
    const session = await browser.send('GET', '/v1/me/session');
    expect(await session.json()).toMatchObject({ kind: 'user', user_id: id, organization_id: acme.id });
  });

  test('records the session in the audit log with the credential authorization_code', async () => {
    const { acme, credentials } = await addOwner();
    await makeBrowser(service).signIn(credentials);
    const { body } = await call(service, 'GET', '/v1/audit-events', { token: await acme.session() });
    expect(body.data[0]).toMatchObject({ action: 'session.created', details: { credential: 'authorization_code' } });
  });

  test.each([
    ['//evil.test/console', '/console'],
    ['https://evil.test/console', '/console'],
    ['/\\evil.test/console', '/console'],
    ['/v1/api-keys', '/console'],
    ['/console/../v1/api-keys', '/console'],
    ['/consoles', '/console'],
    [`/console/${'x'.repeat(2_000)}`, '/console'],
    ['/console/audit?action=a', '/console/audit?action=a'],
  ])('leads from return_to %j to %s', async (returnTo, target) => {
    const { credentials } = await addOwner();
    const response = await makeBrowser(service).signIn(credentials, { return_to: returnTo });
    expect(locationOf(response)).toBe(target);
  });

  test('marks cookies Secure behind a proxy with TLS', async () => {
    const secure = await startService({ TRUST_PROXY: '1' });
    const response = await makeBrowser(secure).send('GET', '/console/sign-in', { 'x-forwarded-proto': 'https' });
    expect(response.headers.getSetCookie()[0]).toContain('; Secure');
    expect(new URL(locationOf(response)).searchParams.get('redirect_uri')).toMatch(/^https:/);
  });

  test('refuses a state that this browser did not begin', async () => {
    const { credentials } = await addOwner();
    const victim = makeBrowser(service);
    const attacker = makeBrowser(service);
    const begun = await attacker.send('GET', '/console/sign-in');
    const back = await attacker.authorize(locationOf(begun), credentials);
    expect(refused(await victim.send('GET', back))).toBe('credential_invalid');
  });

  test('refuses a callback that was answered before', async () => {
    const { credentials } = await addOwner();
    const browser = makeBrowser(service);
    const begun = await browser.send('GET', '/console/sign-in');
    const back = await browser.authorize(locationOf(begun), credentials);
    expect(locationOf(await browser.send('GET', back))).toBe('/console');
    expect(refused(await browser.send('GET', back))).toBe('credential_invalid');
  });

  test('refuses a sign-in that took longer than ten minutes', async () => {
    const { credentials } = await addOwner();
    const browser = makeBrowser(service);
    const begun = await browser.send('GET', '/console/sign-in');
    const [name, sealed] = [...browser.cookies][0]!;
    const back = await browser.authorize(locationOf(begun), credentials);
    const old = sealed.replace(/\*(\d{13})\*/, `*${Date.now() - 61_000}*`);
    expect(old).not.toBe(sealed);
    browser.cookies.set(name, old);
    expect(refused(await browser.send('GET', back))).toBe('credential_invalid');
  });

  test('signs in two tabs at the same time', async () => {
    const { credentials } = await addOwner();
    const browser = makeBrowser(service);
    const [one, two] = [await browser.send('GET', '/console/sign-in'), await browser.send('GET', '/console/sign-in')];
    for (const begun of [two, one]) {
      const back = await browser.authorize(locationOf(begun), credentials);
      expect(locationOf(await browser.send('GET', back))).toBe('/console');
    }
  });

  test('passes on the reason that AuthKit gives', async () => {
    const browser = makeBrowser(service);
    const begun = await browser.send('GET', '/console/sign-in');
    const state = new URL(locationOf(begun)).searchParams.get('state')!;
    expect(refused(await browser.send('GET', `/console/callback?error=access_denied&state=${state}`))).toBe(
      'access_denied',
    );
  });

  test.each(['', '?state=x', '?code=x', '?state=x&code=y', '?state[]=x', `?state=${'x'.repeat(9_000)}`])(
    'answers /console/callback%s without a session',
    async (query) => {
      expect(refused(await makeBrowser(service).send('GET', `/console/callback${query}`))).toBe('credential_invalid');
    },
  );
});
