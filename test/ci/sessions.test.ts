import { describe, expect, test } from 'vitest';
import { call, outcome, verifyKey } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { exchange, jobToken } from './ci.ts';
import { SESSION_TYPE, auditOf, createIn, setUpSessions } from './session.ts';

// Fifty requests at once take their time on a busy machine.
const service = await startService(
  { WORKOS_TIMEOUT_MS: '20000', TRUST_PROXY: '1' },
  { product: { chosen_scopes: ['tasks:write'] } },
);
const CREATED = [201, undefined];
const INVALID = [401, 'credential_invalid'];

const setUp = (body: object = {}) => setUpSessions(service, body);
const create = (token: string, body: object = {}, idempotencyKey?: string) =>
  createIn(service, token, body, idempotencyKey);
const list = (token: string, query = '') => call(service, 'GET', `/v1/api-keys${query}`, { token });
const allowedOf = ({ status, body }: Answer) => [status, body.error.code, body.error.details?.['allowed']];
const from = (ip: string, method: string, path: string, token: string, body?: object) =>
  call(service, method, path, { token, headers: { 'x-forwarded-for': ip }, ...(body && { body }) });

describe('POST /v1/ci/exchange for a session', () => {
  test('returns an opaque token of 15 minutes without a call to WorkOS, and stores its HMAC alone', async () => {
    const { acme, owner, policy } = await setUp();
    const token = await jobToken(service, acme);
    // The issuer stands in the local WorkOS, too; its keys are no call to WorkOS.
    const calls = () => service.workos.requests().filter(({ path }) => !path.startsWith('/_ci/')).length;
    const before = calls();
    const answer = await exchange(service, { policy, token });
    expect(calls()).toBe(before);
    expect([answer.status, answer.body]).toEqual([
      200,
      {
        access_token: expect.stringMatching(/^lkcs_[\w-]{43}$/),
        issued_token_type: SESSION_TYPE,
        token_type: 'Bearer',
        expires_in: expect.any(Number),
        session: { id: expect.stringMatching(/^cises_/), policy, expires_at: expect.any(String) },
        revoke_token: expect.stringMatching(/^lkrs_/),
      },
    ]);
    expect(answer.body['expires_in']).toBeGreaterThan(890);
    expect(answer.body['expires_in']).toBeLessThanOrEqual(900);
    const secret = String(answer.body['access_token']);
    const [row] = await service.db('ci_sessions').where({ organization_id: acme.id });
    expect((row.token_hash as Buffer).length).toBe(32);
    expect(JSON.stringify(row)).not.toContain(secret);
    const { id } = answer.body['session'] as { id: string };
    expect(await auditOf(service, owner, 'ci.exchanged')).toEqual([
      expect.objectContaining({
        actor: { kind: 'ci', id: policy, name: null },
        details: expect.objectContaining({
          session_id: id,
          issuer: 'github',
          claims: expect.objectContaining({ repository_id: '987' }),
        }),
      }),
    ]);
    expect(JSON.stringify(await auditOf(service, owner, 'ci.exchanged'))).not.toContain(secret);
  });

  test('makes one session of one token that is sent twenty times at once, and frees none of it', async () => {
    const { acme, policy } = await setUp();
    const token = await jobToken(service, acme);
    const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(service, { policy, token })));
    const codes = answers.map(({ status, body }) => (status === 200 ? 'made' : body.error.code));
    expect(codes.filter((code) => code === 'made')).toHaveLength(1);
    expect(codes.filter((code) => !['made', 'ci_token_used', 'request_in_progress'].includes(code))).toEqual([]);
    expect(await service.db('ci_sessions').where({ organization_id: acme.id })).toHaveLength(1);
    expect(outcome(await exchange(service, { policy, token }))).toEqual([409, 'ci_token_used']);
  });

  test('gives the same session again for the same Idempotency-Key', async () => {
    const { acme, policy } = await setUp();
    const token = await jobToken(service, acme);
    const first = await exchange(service, { policy, token, idempotencyKey: 'job-1' });
    const again = await exchange(service, { policy, token, idempotencyKey: 'job-1' });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.body['access_token']).toBe(first.body['access_token']);
    expect(again.body['session']).toEqual(first.body['session']);
    expect(outcome(await create(String(again.body['access_token'])))).toEqual(CREATED);
  });

  test('lives as long as the request says, and no longer than 15 minutes', async () => {
    const { send } = await setUp();
    expect((await send({ lifetime_seconds: 60 })).body['expires_in']).toBeLessThanOrEqual(60);
    expect(allowedOf(await send({ lifetime_seconds: 901 }))).toEqual([
      403,
      'permission_denied',
      { max_lifetime_seconds: 900 },
    ]);
  });

  test.each<[string, object]>([
    ['permission_set', { permission_set: 'submit_observe' }],
    ['scopes', { scopes: ['tasks:write'] }],
    ['environment', { environment: 'live' }],
  ])('refuses %s, which each key names', async (field, body) => {
    const { send } = await setUp();
    const { status, body: answer } = await send(body);
    expect([status, answer.error.details]).toEqual([
      400,
      { fields: { [field]: 'A CI session names this when it creates a key. Leave it out.' } },
    ]);
  });

  test.each([
    ['a key of a policy that issues sessions', 'session', 'urn:latchkey:token-type:api-key', SESSION_TYPE],
    ['a session of a policy that issues keys', 'api_key', SESSION_TYPE, 'urn:latchkey:token-type:api-key'],
  ])('refuses %s', async (_what, issue, asked, allowed) => {
    const { send } = await setUp({ issue });
    const answer = await send({ requested_token_type: asked });
    expect(allowedOf(answer)).toEqual([403, 'permission_denied', { requested_token_type: allowed }]);
  });

  test('returns 423 where billing allows no new keys, and leaves the token free', async () => {
    const { acme, policy } = await setUp();
    const token = await jobToken(service, acme);
    const bill = (status: string) =>
      service.db('tenants').where({ organization_id: acme.id }).update({ billing_status: status });
    await bill('past_due');
    expect(outcome(await exchange(service, { policy, token }))).toEqual([423, 'billing_inactive']);
    await bill('active');
    expect(outcome(await exchange(service, { policy, token }))).toEqual([200, undefined]);
  });
});

describe('a CI session', () => {
  test('is refused once it has expired, and forgotten after that', async () => {
    const { acme, session } = await setUp();
    const { token } = await session();
    const sessions = () => service.db('ci_sessions').where({ organization_id: acme.id });
    await service.background.runOnce('sweep_ci_sessions');
    expect(await sessions()).toHaveLength(1);
    service.clock.advance(901_000);
    expect(outcome(await create(token))).toEqual([401, 'credential_expired']);
    await service.background.runOnce('sweep_ci_sessions');
    expect(await sessions()).toEqual([]);
    expect(outcome(await create(token))).toEqual(INVALID);
  });

  test.each([
    ['disabled', { enabled: false }],
    ['changed to keys', { issue: 'api_key' }],
  ])('may do nothing while its policy is %s', async (_what, change) => {
    const { owner, policy, session } = await setUp();
    const { token } = await session();
    const patch = (body: object) => call(service, 'PATCH', `/v1/ci/policies/${policy}`, { token: owner, body });
    await patch(change);
    for (const answer of [await create(token), await list(token)])
      expect(outcome(answer)).toEqual([403, 'permission_denied']);
    await patch({ enabled: true, issue: 'session' });
    expect(outcome(await create(token))).toEqual(CREATED);
  });

  test('ends with its policy', async () => {
    const { owner, policy, session } = await setUp();
    const { token } = await session();
    await call(service, 'DELETE', `/v1/ci/policies/${policy}`, { token: owner });
    expect(outcome(await create(token))).toEqual(INVALID);
  });

  test('ends by its revoke_token, which leaves its keys and records ci.revoked once', async () => {
    const { owner, policy, session } = await setUp();
    const { token, id, revoke } = await session();
    const { body } = await create(token);
    const end = (revokeToken: string) =>
      call(service, 'POST', '/v1/ci/revoke', { body: { revoke_token: revokeToken } });
    // Neither the session's token nor one of a key by the same id ends it.
    for (const wrong of [token, revoke.replace('lkrs_', 'lkrv_')]) await end(wrong);
    expect(outcome(await list(token))).toEqual([200, undefined]);
    for (let i = 0; i < 2; i++) expect([(await end(revoke)).status]).toEqual([200]);
    expect(outcome(await list(token))).toEqual(INVALID);
    expect((await verifyKey(service, { key: body['value'] })).body).toMatchObject({ valid: true });
    expect(await auditOf(service, owner, 'ci.revoked')).toEqual([
      expect.objectContaining({
        actor: { kind: 'ci', id: policy, name: null },
        details: { session_id: id },
      }),
    ]);
  });

  test('is bound by the allow list of addresses of its organization', async () => {
    const { owner, session } = await setUp();
    const { token } = await session();
    const put = await from('192.0.2.7', 'PUT', '/v1/organization/ip-allow-list', owner, {
      ip_allow_list: ['192.0.2.7'],
    });
    expect(outcome(put)).toEqual([200, undefined]);
    expect(outcome(await from('192.0.2.7', 'GET', '/v1/api-keys', token))).toEqual([200, undefined]);
    expect(outcome(await from('198.51.100.1', 'GET', '/v1/api-keys', token))).toEqual([403, 'ip_not_allowed']);
  });

  test.each([
    ['x-api-key', (token: string) => ({ 'x-api-key': token })],
    ['x-access-token', (token: string) => ({ 'x-access-token': token })],
  ])('is taken as a bearer alone, not in %s', async (_name, headers) => {
    const { session } = await setUp();
    const { token } = await session();
    const answer = await call(service, 'GET', '/v1/api-keys', { headers: headers(token) });
    expect(outcome(answer)).toEqual(INVALID);
  });

  test.each([
    ['an unknown token', (token: string) => `${token.slice(0, -3)}AAA`],
    ['a longer one', (token: string) => `${token}A`],
    ['the prefix alone', () => 'lkcs_'],
  ])('refuses %s, and names the kind of the credential', async (_what, change) => {
    const { session } = await setUp();
    const { token } = await session();
    const answer = await list(change(token));
    expect([...outcome(answer), answer.body.error.details?.['credential']]).toEqual([...INVALID, 'ci_session']);
  });
});
