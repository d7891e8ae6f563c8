import { decodeJwt } from 'jose';
import { describe, expect, test } from 'vitest';
import { call, outcome } from '../../support/api.ts';
import { startService } from '../../support/service.ts';
import { takeWorkosDown } from '../../support/workos-faults.ts';
import { PASSWORD, addPerson, login, logout, refresh, tokensOf } from './sign-in.ts';

const sessions = { password_sign_in: true };
const env = { TRUST_PROXY: '1', LATCHKEY_SIGN_INS_PER_MINUTE: '200' };
const service = await startService(env, { product: { sessions } });

const me = (token: string) => call(service, 'GET', '/v1/me/session', { token });

describe('POST /v1/auth/login', () => {
  test('returns a token that works', async () => {
    const { email, userId, organizations } = await addPerson(service);
    const answer = await login(service, { email, password: PASSWORD });
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        access_token: expect.stringMatching(/^eyJ/),
        refresh_token: expect.any(String),
        expires_at: new Date(Number(decodeJwt(tokensOf(answer).access_token).exp) * 1_000).toISOString(),
        user: { id: userId, email },
        organization_id: organizations[0],
      },
    ]);
    expect((await me(tokensOf(answer).access_token)).body).toMatchObject({ kind: 'user', user_id: userId });
  });

  test('returns the same answer for a wrong address and a wrong password', async () => {
    const { email } = await addPerson(service);
    const wrong = [
      await login(service, { email, password: 'not this one' }),
      await login(service, { email: `nobody.${email}`, password: PASSWORD }),
      await login(service, { email: 'no address', password: PASSWORD }),
      await login(service, { email, password: 'not this one', organization_id: 'org_any' }),
    ];
    for (const { status, body } of wrong) {
      expect([status, { ...body.error, request_id: '' }]).toEqual([
        401,
        {
          code: 'credential_invalid',
          message: 'The e-mail address or the password is not right.',
          request_id: '',
          details: { credential: 'password' },
        },
      ]);
    }
  });

  test('returns 409 organization_choice_required to a user of several organizations, who chooses without the password', async () => {
    const { email, organizations } = await addPerson(service, 2);
    const asked = await login(service, { email, password: PASSWORD });
    expect(outcome(asked)).toEqual([409, 'organization_choice_required']);
    const details = asked.body.error.details as {
      organizations: { id: string }[];
      pending_authentication_token: string;
    };
    expect(details.organizations.map(({ id }) => id).toSorted()).toEqual(organizations.toSorted());
    const { pending_authentication_token } = details;
    const other = await service.organizations.add();
    const foreign = await login(service, { pending_authentication_token, organization_id: other.id });
    expect(outcome(foreign)).toEqual([404, 'organization_not_found']);
    const chosen = await login(service, { pending_authentication_token, organization_id: organizations[1] });
    expect(chosen.body).toMatchObject({ organization_id: organizations[1] });
    const again = await login(service, { pending_authentication_token, organization_id: organizations[1] });
    expect(outcome(again)).toEqual([401, 'credential_invalid']);
  });

  test("signs in to a named organization at once; returns 404 for another's, and opens no session", async () => {
    const { email, userId, organizations } = await addPerson(service, 2);
    const named = await login(service, { email, password: PASSWORD, organization_id: organizations[0] });
    expect(named.body).toMatchObject({ organization_id: organizations[0] });
    const one = await addPerson(service);
    for (const person of [{ email, userId }, one]) {
      const answer = await login(service, {
        email: person.email,
        password: PASSWORD,
        organization_id: 'org_of_others',
      });
      expect(outcome(answer)).toEqual([404, 'organization_not_found']);
    }
    // The session that WorkOS had opened for the only organization is over.
    const ended = await service.db('user_sessions').where({ user_id: one.userId }).first();
    expect(ended).toMatchObject({ end_reason: 'refused', workos_revoked_at: expect.any(Date) });
  });

  test('returns 403 to a user without an organization', async () => {
    const { email } = await addPerson(service, 0);
    expect(outcome(await login(service, { email, password: PASSWORD }))).toEqual([403, 'permission_denied']);
  });

  test("returns 403 ip_not_allowed for an address outside the organization's allow list", async () => {
    const { email, userId, organizations } = await addPerson(service);
    await service
      .db('tenants')
      .where({ organization_id: organizations[0] })
      .update({ ip_allow_list: ['192.0.2.7'] });
    expect(outcome(await login(service, { email, password: PASSWORD }))).toEqual([403, 'ip_not_allowed']);
    const ended = await service.db('user_sessions').where({ user_id: userId }).first();
    expect(ended).toMatchObject({ end_reason: 'refused' });
  });

  test.each<[string, object]>([
    ['nothing', {}],
    ['no password', { email: 'a@b.test' }],
    ['a password alone', { password: 'x' }],
    ['a password that is too long', { email: 'a@b.test', password: 'x'.repeat(1_025) }],
    ['an address that is too long', { email: 'x'.repeat(255), password: 'x' }],
    ['a choice of nothing', { pending_authentication_token: 'x' }],
    ['a field too many', { email: 'a@b.test', password: 'x', role: 'owner' }],
  ])('returns 400 for %s', async (_what, body) => {
    const answer = await login(service, body);
    expect(outcome(answer)).toEqual([400, 'validation_error']);
    expect(JSON.stringify(answer.body)).not.toContain('xxxx');
  });

  test('returns 429 beyond the limits of an account from one network, existing or not, and of an address', async () => {
    const env = { LATCHKEY_SIGN_INS_PER_MINUTE: '8', LATCHKEY_SIGN_INS_PER_ACCOUNT_MINUTE: '5', TRUST_PROXY: '1' };
    const limited = await startService(env, { product: { sessions } });
    const { email } = await addPerson(limited);
    const attempt = (address: string, account: string, password = 'wrong') =>
      call(limited, 'POST', '/v1/auth/login', {
        headers: { 'x-forwarded-for': address },
        body: { email: account, password },
      });
    for (const [n, account] of [email, 'nobody@nowhere.test'].entries()) {
      const address = `198.51.100.${n}`;
      for (let i = 0; i < 5; i++)
        expect((await attempt(address, i % 2 ? account : ` ${account.toUpperCase()}`)).status).toBe(401);
      const { status, body, headers } = await attempt(address, account, PASSWORD);
      expect([status, body.error.code]).toEqual([429, 'rate_limited']);
      expect(body.error.details).toMatchObject({ scope: 'account', enforcement: 'local', limit: 1 });
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
    for (let i = 0; i < 8; i++) expect((await attempt('203.0.113.1', `${i}@x.test`)).status).toBe(401);
    const over = await attempt('203.0.113.1', 'other@x.test');
    expect([over.status, over.body.error.details?.['scope']]).toEqual([429, 'address']);
    const metrics = await (await fetch(`${limited.url}/metrics`)).text();
    for (const counted of [
      '{budget="sign_ins_of_address",outcome="taken"} 20',
      '{budget="sign_ins_of_address",outcome="refused"} 1',
      '{budget="sign_ins_of_account",outcome="taken"} 18',
      '{budget="sign_ins_of_account",outcome="refused"} 2',
    ])
      expect(metrics).toContain(`latchkey_budget_total${counted}`);
  });

  test('lets a user sign in while other networks attack the account, and slows those', async () => {
    const limited = await startService(
      { LATCHKEY_SIGN_INS_PER_ACCOUNT_MINUTE: '10', TRUST_PROXY: '1' },
      { product: { sessions } },
    );
    const { email } = await addPerson(limited);
    const attempt = (address: string, password: string) =>
      call(limited, 'POST', '/v1/auth/login', { headers: { 'x-forwarded-for': address }, body: { email, password } });
    for (let i = 0; i < 30; i++) expect((await attempt(`198.51.100.${i}`, 'wrong')).status).toBe(401);
    expect(outcome(await attempt('203.0.113.9', PASSWORD))).toEqual([200, undefined]);
    // Three a minute from each, where it would be ten.
    for (let i = 0; i < 2; i++) expect((await attempt('198.51.100.1', 'wrong')).status).toBe(401);
    expect(outcome(await attempt('198.51.100.1', 'wrong'))).toEqual([429, 'rate_limited']);
    expect(outcome(await attempt('203.0.113.9', PASSWORD))).toEqual([200, undefined]);
  });
});

describe('POST /v1/auth/login, /v1/auth/refresh and /v1/auth/logout', () => {
  test('returns 404 for what opens a session unless the product enables password sign-in, and signs out', async () => {
    const without = await startService();
    for (const path of ['login', 'refresh'])
      expect(outcome(await call(without, 'POST', `/v1/auth/${path}`, { body: {} }))).toEqual([404, 'route_not_found']);
    const token = await (await without.organizations.add()).session('member');
    expect((await logout(without, token)).body).toEqual({ status: 'signed_out' });
    expect(outcome(await call(without, 'GET', '/v1/me/session', { token }))).toEqual([401, 'credential_expired']);
  });

  test('writes no address, password or token to the log or the database', async () => {
    const { email, organizations } = await addPerson(service, 2);
    const named = { email, organization_id: organizations[0] };
    const tokens = tokensOf(await login(service, { ...named, password: PASSWORD }));
    const asked = await login(service, { email, password: PASSWORD });
    await login(service, { ...named, password: 'a wrong password of mine' });
    const renewed = tokensOf(await refresh(service, { refresh_token: tokens.refresh_token }));
    await logout(service, renewed.access_token);
    const tables = ['user_sessions', 'audit_events', 'known_accounts'];
    const rows = await Promise.all(tables.map((table) => service.db(table)));
    const text = service.logs.join('\n') + JSON.stringify(rows);
    const pending = String(asked.body.error.details?.['pending_authentication_token']);
    for (const secret of [
      email,
      PASSWORD,
      'a wrong password of mine',
      pending,
      ...Object.values(tokens).slice(0, 2),
      renewed.refresh_token,
    ])
      expect(text).not.toContain(secret);
  });
});

describe('POST /v1/auth/refresh', () => {
  test('works once with each token, and moves the session to another organization', async () => {
    const { email, organizations } = await addPerson(service, 2);
    const first = tokensOf(await login(service, { email, password: PASSWORD, organization_id: organizations[0] }));
    const second = await refresh(service, { refresh_token: first.refresh_token });
    expect(second.body).toMatchObject({ organization_id: organizations[0], user: { email } });
    const used = await refresh(service, { refresh_token: first.refresh_token });
    expect([outcome(used), used.body.error.details]).toEqual([
      [401, 'credential_invalid'],
      { credential: 'refresh_token' },
    ]);
    const { refresh_token } = tokensOf(second);
    const foreign = await refresh(service, { refresh_token, organization_id: 'org_of_others' });
    expect(outcome(foreign)).toEqual([404, 'organization_not_found']);
    const moved = await refresh(service, { refresh_token, organization_id: organizations[1] });
    expect(moved.body).toMatchObject({ organization_id: organizations[1] });
    expect(decodeJwt(tokensOf(moved).access_token)['sid']).toBe(decodeJwt(first.access_token)['sid']);
  });
});

describe('POST /v1/auth/login and /v1/auth/refresh', () => {
  test('returns 503 workos_unavailable while WorkOS is down', async () => {
    const { email } = await addPerson(service);
    takeWorkosDown(service);
    expect(outcome(await login(service, { email, password: PASSWORD }))).toEqual([503, 'workos_unavailable']);
    expect(outcome(await refresh(service, { refresh_token: 'x' }))).toEqual([503, 'workos_unavailable']);
    service.workos.faults.clear();
  });

  test.each(['\0', 'org_\0', 'org_a b', 'x', 'org_', `org_${'x'.repeat(61)}`, "org_'", '\u{1F4A5}'])(
    'returns 400 for the organization %j, in a choice too, and logs no error',
    async (organization_id) => {
      const errors = service.logs.filter((line) => line.includes('"level":"error"')).length;
      for (const answer of [
        await login(service, { email: 'a@b.test', password: 'x', organization_id }),
        await login(service, { pending_authentication_token: 'x', organization_id }),
        await refresh(service, { refresh_token: 'x', organization_id }),
      ])
        expect(outcome(answer)).toEqual([400, 'validation_error']);
      expect(service.logs.filter((line) => line.includes('"level":"error"'))).toHaveLength(errors);
    },
  );
});
