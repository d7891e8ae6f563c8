import { describe, expect, test } from 'vitest';
import { makeBrowser } from '../support/browser.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const PASSWORD = 'a password of this test';

async function signedIn({ at = service, more = 0 } = {}) {
  const { id: organizationId, name } = await at.organizations.add();
  const email = `boss@${name}.test`;
  const id = `user_${name}_boss`;
  const others = await Promise.all(Array.from({ length: more }, () => at.organizations.add()));
  at.workos.seed({
    people: [{ id, email, password: PASSWORD }],
    memberships: [organizationId, ...others.map((other) => other.id)].map((to) => ({
      userId: id,
      organizationId: to,
      role: 'owner',
    })),
  });
  const browser = makeBrowser(at);
  const response = await browser.signIn({ email, password: PASSWORD }, { organization_id: organizationId });
  expect(response.headers.get('location')).toBe('/console');
  return { browser, organizationId, others };
}
const session = async (browser: ReturnType<typeof makeBrowser>) => {
  const response = await browser.send('GET', '/v1/me/session');
  return [response.status, ((await response.json()) as { organization_id?: string }).organization_id];
};

describe('POST /console/refresh', () => {
  test('renews the session in the cookie, and answers no token', async () => {
    const { browser, organizationId } = await signedIn();
    const before = browser.cookies.get('wos_session');
    const response = await browser.send('POST', '/console/refresh', {}, {});
    const body = (await response.json()) as object;
    expect(response.status).toBe(200);
    expect(body).toEqual({ organization_id: organizationId, expires_at: expect.stringMatching(/Z$/) });
    expect(browser.cookies.get('wos_session')).not.toBe(before);
    expect(await session(browser)).toEqual([200, organizationId]);
  });

  test('gives tabs that renew at the same time the same session', async () => {
    const { browser, organizationId } = await signedIn();
    const answers = await Promise.all([1, 2, 3, 4].map(() => browser.send('POST', '/console/refresh', {}, {})));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(await session(browser)).toEqual([200, organizationId]);
  });

  test('moves the session to another organization of the person', async () => {
    const { browser, others } = await signedIn({ more: 1 });
    const organization_id = others[0]!.id;
    expect((await browser.send('POST', '/console/refresh', {}, { organization_id })).status).toBe(200);
    expect(await session(browser)).toEqual([200, organization_id]);
  });

  test('returns 404 organization_not_found for an organization of others, and keeps the session', async () => {
    const { browser, organizationId } = await signedIn();
    const { id } = await service.organizations.add();
    const response = await browser.send('POST', '/console/refresh', {}, { organization_id: id });
    expect([response.status, await response.json()]).toMatchObject([
      404,
      { error: { code: 'organization_not_found' } },
    ]);
    expect((await browser.send('POST', '/console/refresh', {}, {})).status).toBe(200);
    expect(await session(browser)).toEqual([200, organizationId]);
  });

  test.each([
    ['cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['same-site', { 'sec-fetch-site': 'same-site' }],
  ])('returns 403 for a %s request', async (_name, headers) => {
    const { browser } = await signedIn();
    for (const path of ['/console/refresh', '/console/sign-out'])
      expect((await browser.send('POST', path, headers, {})).status).toBe(403);
  });

  test('returns 401 without a session, and for a forged one', async () => {
    const browser = makeBrowser(service);
    expect((await browser.send('POST', '/console/refresh', {}, {})).status).toBe(401);
    browser.cookies.set('wos_session', 'Fe26.2*1*a*b*c*d*e*f*g~2');
    expect((await browser.send('POST', '/console/refresh', {}, {})).status).toBe(401);
  });

  test.each([[{ organization_id: 'x' }], [{ organization_id: 1 }], [{ more: 1 }], [[]]])(
    'returns 400 for the body %j',
    async (body) => {
      const { browser } = await signedIn();
      expect((await browser.send('POST', '/console/refresh', {}, body)).status).toBe(400);
    },
  );

  test('splits a session that is too large for a cookie, and joins it', async () => {
    const { browser, organizationId } = await signedIn();
    const permissions = Array.from({ length: 200 }, (_, i) => `permission-number-${i}:write`);
    service.workos.seed({
      permissions: permissions.map((slug) => ({ slug, name: slug })),
      roles: [{ slug: 'owner', name: 'Owner', permissions: [...permissions, 'apikeys:read'] }],
    });
    const response = await browser.send('POST', '/console/refresh', {}, {});
    const set = response.headers.getSetCookie();
    expect([...browser.cookies.keys()].sort()).toEqual([
      'wos_session.0',
      'wos_session.1',
      'wos_session.2',
      'wos_session.3',
    ]);
    expect(Math.max(...set.map((line) => Buffer.byteLength(line)))).toBeLessThanOrEqual(4_096);
    expect(await session(browser)).toEqual([200, organizationId]);
  });
});

describe('POST /console/sign-out', () => {
  test('ends the session, removes its cookies and names the page that ends it at WorkOS', async () => {
    const { browser } = await signedIn();
    const kept = new Map(browser.cookies);
    const response = await browser.send('POST', '/console/sign-out', {}, {});
    const { url } = (await response.json()) as { url: string };
    const target = new URL(url);
    expect(target.origin).toBe(service.workos.url);
    expect(target.searchParams.get('return_to')).toBe(`${service.url}/console/signed-out`);
    expect([...browser.cookies.keys()]).toEqual([]);
    for (const [name, value] of kept) browser.cookies.set(name, value);
    expect((await session(browser))[0]).toBe(401);
    expect((await browser.send('POST', '/console/refresh', {}, {})).status).toBe(401);
  });

  test('ends a session whose token has expired', async () => {
    const { browser } = await signedIn();
    const kept = new Map(browser.cookies);
    service.clock.advance(20 * 60_000);
    expect((await session(browser))[0]).toBe(401);
    expect((await browser.send('POST', '/console/sign-out', {}, {})).status).toBe(200);
    for (const [name, value] of kept) browser.cookies.set(name, value);
    expect((await browser.send('POST', '/console/refresh', {}, {})).status).toBe(401);
  });

  test('succeeds without a session', async () => {
    const response = await makeBrowser(service).send('POST', '/console/sign-out', {}, {});
    expect(await response.json()).toEqual({ url: `${service.url}/console/signed-out` });
  });
});
