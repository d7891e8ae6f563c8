import { describe, expect, test } from 'vitest';
import { atWorkos } from '../../support/at-workos.ts';
import { call, outcome } from '../../support/api.ts';
import { restartWith } from '../../support/restart.ts';
import { ProductFile } from '../../../src/product/product.ts';
import { PASSWORD, addPerson, login, logout, refresh } from '../sign-in/sign-in.ts';
import { FACTS_MS, MINUTE_MS, OK, OPAQUE, OVER, UNKNOWN, signedIn, startOpaque } from './opaque.ts';

const SECRET = 'the service secret of these tests of more than 32 bytes';
const service = await startOpaque({ LATCHKEY_SECRET: SECRET });

describe('POST /v1/auth/login with opaque tokens', () => {
  test('answers a token of its own and no refresh token', async () => {
    const { answer, userId, email, organizationId } = await signedIn(service);
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        access_token: expect.stringMatching(/^lkus_[\w-]{43}$/),
        expires_at: expect.any(String),
        user: { id: userId, email },
        organization_id: organizationId,
      },
    ]);
    const leftMs = Date.parse(String(answer.body['expires_at'])) - service.clock().getTime();
    expect(Math.round(leftMs / MINUTE_MS)).toBe(30);
  });

  test('takes the choice of an organization', async () => {
    const { email, organizations } = await addPerson(service, 2);
    const asked = await login(service, { email, password: PASSWORD });
    expect(outcome(asked)).toEqual([409, 'organization_choice_required']);
    const { pending_authentication_token } = asked.body.error.details as Record<string, string>;
    const chosen = await login(service, { pending_authentication_token, organization_id: organizations[1] });
    expect(chosen.body).toMatchObject({
      access_token: expect.stringMatching(/^lkus_/),
      organization_id: organizations[1],
    });
  });

  test('leaves no renewal to clients', async () => {
    expect(outcome(await refresh(service, { refresh_token: 'x' }))).toEqual([404, 'route_not_found']);
  });
});

describe('an opaque token', () => {
  test('is taken wherever a session is', async () => {
    const { token, organizationId, userId } = await signedIn(service);
    const headers = { 'x-access-token': token };
    const me = await call(service, 'GET', '/v1/me/session', { token });
    expect(me.body).toMatchObject({ kind: 'user', user_id: userId, organization_id: organizationId, role: 'owner' });
    const checked = await call(service, 'POST', '/v1/auth/check-token', { headers });
    expect(checked.body).toEqual({ valid: true, organization_id: organizationId });
    const forwarded = await call(service, 'GET', '/v1/auth/forward?sessions=true&scope=workspace:read', { headers });
    expect([forwarded.status, forwarded.headers.get('x-latchkey-owner-id')]).toEqual([200, userId]);
    const body = { label: 'mine', permission_set: 'read_only' };
    expect((await call(service, 'POST', '/v1/api-keys', { token, body })).status).toBe(201);
  });

  test('is refused where keys go, in the query, and where forward authentication takes no sessions', async () => {
    const { token } = await signedIn(service);
    const asKey = { headers: { 'x-api-key': token } };
    expect(outcome(await call(service, 'GET', '/v1/permission-sets', asKey))).toEqual(UNKNOWN);
    expect(outcome(await call(service, 'POST', '/v1/auth/check-api-key', { token }))).toEqual([
      403,
      'permission_denied',
    ]);
    expect(outcome(await call(service, 'GET', '/v1/auth/forward', { token }))).toEqual([403, 'permission_denied']);
    expect(outcome(await call(service, 'GET', `/v1/permission-sets?api_key=${token}`, {}))[0]).toBe(401);
    expect(outcome(await call(service, 'GET', `/v1/audit-events?api_key=${token}`, {}))[0]).toBe(401);
  });

  test('that Latchkey did not make is 401 credential_invalid', async () => {
    const { token } = await signedIn(service);
    const wrong = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`;
    for (const bad of [wrong, 'lkus_', `${token}x`, 'lkus_'.padEnd(48, 'é')]) {
      const refused = await call(service, 'GET', '/v1/permission-sets', { token: encodeURI(bad) });
      expect([outcome(refused), refused.body.error.details]).toEqual([UNKNOWN, { credential: 'access_token' }]);
    }
  });

  test('is refused by a product whose sessions have tokens of WorkOS', async () => {
    const { token } = await signedIn(service);
    const other = await restartWith(service, { LATCHKEY_SECRET: SECRET });
    expect(outcome(await call(other, 'GET', '/v1/permission-sets', { token }))).toEqual(UNKNOWN);
  });

  test('lies in no table, nor does the refresh token of WorkOS', async () => {
    const { token, row } = await signedIn(service);
    const stored = await row();
    expect(JSON.stringify(stored)).not.toContain(token.slice(5, 20));
    expect(stored.token_hash).toHaveLength(32);
    // A nonce, a tag and 43 characters in JSON, encrypted.
    expect(stored.sealed_refresh).toHaveLength(12 + 16 + 45);
    expect(stored.sealed_refresh.toString('latin1')).not.toMatch(/[A-Za-z0-9]{43}/);
  });
});

describe('a session with an opaque token', () => {
  test('lives on while it is used, far behind the end of every access token', async () => {
    const person = await signedIn(service);
    for (let i = 0; i < 12; i++) {
      service.clock.advance(25 * MINUTE_MS);
      expect(await person.outcomeAt()).toEqual(OK);
    }
    for (let i = 0; i < 6; i++) {
      service.clock.advance(MINUTE_MS);
      expect(await person.outcomeAt()).toEqual(OK);
    }
  });

  test('ends thirty minutes after its last use, exactly', async () => {
    const [one, other] = [await signedIn(service), await signedIn(service)];
    service.clock.advance(10 * MINUTE_MS);
    for (const person of [one, other]) expect(await person.outcomeAt()).toEqual(OK);
    service.clock.advance(30 * MINUTE_MS - 3_000);
    expect(await one.outcomeAt()).toEqual(OK);
    service.clock.advance(3_000);
    const refused = await other.ask();
    expect([outcome(refused), refused.body.error.details]).toMatchObject([OVER, { reason: 'inactive' }]);
    expect(await one.outcomeAt()).toEqual(OK);
  });

  test('counts uses of every replica', async () => {
    const replica = await restartWith(service, { LATCHKEY_SECRET: SECRET }, { sessions: OPAQUE });
    const person = await signedIn(service);
    for (const at of [replica, service, replica, service]) {
      service.clock.advance(29 * MINUTE_MS);
      expect(await person.outcomeAt(at)).toEqual(OK);
      await at.background.runOnce('flush_sessions');
    }
    service.clock.advance(30 * MINUTE_MS);
    for (const at of [service, replica]) expect(await person.outcomeAt(at)).toEqual(OVER);
  });

  test('is over on every replica from the answer of its sign-out on, and its refresh token is forgotten', async () => {
    const replica = await service.replica();
    const person = await signedIn(service);
    for (const at of [service, replica]) expect(await person.outcomeAt(at)).toEqual(OK);
    expect((await logout(service, person.token)).status).toBe(200);
    expect(await person.outcomeAt()).toEqual(OVER);
    await expect.poll(() => person.outcomeAt(replica), { interval: 1, timeout: 1_000 }).toEqual(OVER);
    const refused = await person.ask();
    expect(refused.body.error.details).toMatchObject({ reason: 'signed_out' });
    expect(await person.row()).toMatchObject({ sealed_refresh: null, renewing_until: null });
  });

  test('is over once WorkOS revoked it, by the event as well as by the next renewal', async () => {
    const [one, other] = [await signedIn(service), await signedIn(service)];
    const revoke = async (person: typeof one) =>
      atWorkos(service, 'POST', '/user_management/sessions/revoke', { session_id: (await person.row()).session_id });
    await revoke(one);
    await service.background.runOnce('events');
    expect((await one.ask()).body.error.details).toMatchObject({ reason: 'revoked' });
    await revoke(other);
    service.clock.advance(FACTS_MS);
    const refused = await other.ask();
    expect([outcome(refused), refused.body.error.details]).toMatchObject([OVER, { reason: 'revoked' }]);
    expect(await other.session()).toMatchObject({ end_reason: 'revoked' });
  });

  test('has a changed role from its next renewal on, and ends when its person leaves', async () => {
    const replica = await service.replica();
    const person = await signedIn(service);
    const roleAt = async (at: { url: string }) =>
      (await call(at, 'GET', '/v1/me/session', { token: person.token })).body['role'];
    expect([await roleAt(service), await roleAt(replica)]).toEqual(['owner', 'owner']);
    const { data } = await atWorkos<{ data: { id: string }[] }>(
      service,
      'GET',
      `/user_management/organization_memberships?user_id=${person.userId}`,
    );
    const membership = `/user_management/organization_memberships/${data[0]!.id}`;
    await atWorkos(service, 'PUT', membership, { role_slug: 'member' });
    service.clock.advance(FACTS_MS);
    expect([await roleAt(replica), await roleAt(service)]).toEqual(['member', 'member']);
    await atWorkos(service, 'DELETE', membership);
    service.clock.advance(FACTS_MS);
    expect(await person.outcomeAt()).toEqual(OVER);
  });

  test('is found under a previous secret, and moves to the current one with its renewal', async () => {
    const person = await signedIn(service);
    const secrets = { LATCHKEY_SECRET: 'another service secret of more than 32 bytes' };
    const both = await restartWith(service, { ...secrets, LATCHKEY_PREVIOUS_SECRETS: SECRET }, { sessions: OPAQUE });
    const without = await restartWith(service, secrets, { sessions: OPAQUE });
    expect(await person.outcomeAt(without)).toEqual(UNKNOWN);
    expect(await person.outcomeAt(both)).toEqual(OK);
    service.clock.advance(FACTS_MS);
    expect(await person.outcomeAt(both)).toEqual(OK);
    service.clock.advance(FACTS_MS);
    expect(await person.outcomeAt(without)).toEqual(OK);
  });
});

test('sessions with tokens of WorkOS are as they were beside opaque ones', async () => {
  const acme = await service.organizations.add();
  const token = await acme.session('owner');
  expect(outcome(await call(service, 'GET', '/v1/permission-sets', { token }))).toEqual(OK);
});

test('a product file with opaque tokens and no inactivity, or no sign-in, is refused', () => {
  const { product } = service.parts;
  const parse = (sessions: object) => ProductFile.safeParse({ ...product, sessions });
  for (const missing of [{ password_sign_in: true }, { inactivity_minutes: 30 }])
    expect(parse({ token: 'opaque', ...missing }).error?.issues).toMatchObject([{ path: ['sessions', 'token'] }]);
  expect(parse(OPAQUE).success).toBe(true);
});
