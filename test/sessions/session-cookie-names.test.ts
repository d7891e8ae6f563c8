import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/app/read-config.ts';
import { FORWARD_PATH } from '../../src/verification/forward/forward-auth-routes.ts';
import { call, createKey, outcome } from '../support/api.ts';
import { sealSession } from '../support/sealed-session.ts';
import { PROFILE } from '../support/local-workos.ts';
import { environment, startService } from '../support/service.ts';

const service = await startService();
const named = await startService({ WORKOS_COOKIE_NAME: 'console_session' });

const OK = [200, undefined];
const INVALID = [401, 'credential_invalid'];
const MISSING = [401, 'credential_missing'];
const get = async (cookie: string, at = service) =>
  outcome(await call(at, 'GET', '/v1/me/session', { headers: { cookie } }));
const sealed = async (at = service) => sealSession(await (await at.organizations.add()).session());

describe('GET /v1/me/session with a session cookie', () => {
  test.each(['wos_session', 'wos-session'])('accepts a session cookie called %s', async (name) => {
    expect(await get(`${name}=${await sealed()}`)).toEqual(OK);
  });

  test('accepts the same session under both names, and returns 401 for two that differ', async () => {
    const [one, other] = [await sealed(), await sealed()];
    expect(await get(`wos_session=${one}; wos-session=${one}`)).toEqual(OK);
    expect(await get(`wos_session=; wos-session=${one}`)).toEqual(OK);
    expect(await get(`wos_session=${one}; wos-session=${other}`)).toEqual(INVALID);
  });

  test('prefers the configured name, and falls back to the usual ones', async () => {
    const [own, left] = [await sealed(named), await sealed(named)];
    expect(await get(`console_session=${own}`, named)).toEqual(OK);
    expect(await get(`wos_session=left over; console_session=${own}`, named)).toEqual(OK);
    expect(await get(`wos-session=${left}`, named)).toEqual(OK);
    expect(await get(`console_session=${own}`)).toEqual(MISSING);
  });

  test.each(['wos_session', 'wos-session', 'console_session'])('joins the parts of %s in their order', async (name) => {
    const whole = encodeURIComponent(await sealed(named));
    const third = Math.ceil(whole.length / 3);
    const parts = [0, 1, 2].map((i) => `${name}.${i}=${whole.slice(i * third, (i + 1) * third)}`);
    expect(await get(parts.join('; '), named)).toEqual(OK);
    expect(await get(['a=b', ...parts.toReversed()].join('; '), named)).toEqual(OK);
    expect(await get(`${name}=left over; ${parts.join('; ')}`, named)).toEqual(OK);
    expect(await get(parts.slice(0, 2).join('; '), named)).toEqual(INVALID);
    expect(await get([parts[0], parts[2]].join('; '), named)).toEqual(INVALID);
    expect(await get(parts.slice(1).join('; '), named)).toEqual(MISSING);
    expect(await get([...parts, `${name}.1=other`].join('; '), named)).toEqual(INVALID);
  });

  test("accepts a session in two cookies, as the local WorkOS's profile splits it", async () => {
    service.workos.behave({ cookie_name: 'wos-session', cookie_part_bytes: 500 });
    const cookie = service.workos.sessionCookie(await sealed());
    service.workos.behave({ profile: PROFILE });
    expect(cookie).toMatch(/^wos-session\.0=.*; wos-session\.1=/);
    expect(await get(cookie)).toEqual(OK);
  });
});

describe('GET /v1/auth/forward', () => {
  test.each([
    ['wos_session', service],
    ['wos-session', service],
    ['wos-session.0', service],
    ['console_session', named],
  ])('returns 401 to a proxy for a key in memory beside a %s', async (name, at) => {
    const token = await (await at.organizations.add()).session();
    const { value } = await createKey(at, token);
    const ask = async (headers: Record<string, string>) =>
      outcome(await call(at, 'GET', FORWARD_PATH, { token: value, headers }));
    expect(await ask({})).toEqual(OK);
    expect(await ask({ cookie: 'other=1' })).toEqual(OK);
    expect(await ask({ cookie: `${name}=something` })).toEqual(INVALID);
  });
});

test.each(['a b', 'a;b', 'a=b', 'x'.repeat(65)])('refuses to start with a cookie called %j', (name) => {
  const given = { ...environment(service.workos), WORKOS_COOKIE_NAME: name };
  expect(() => readConfig(given)).toThrow(/WORKOS_COOKIE_NAME: needs the name of a cookie/);
});
