import { describe, expect, test } from 'vitest';
import type { FaultInput } from '../../src/emulator/faults/faults.ts';
import { call, createKey, outcome, verifyKey } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { failAt } from '../support/workos-faults.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';
import { audienceOf, createPolicy, exchange, jobToken } from './ci.ts';

// Fifty exchanges at once take their time on a busy machine.
const service = await startService({ WORKOS_TIMEOUT_MS: '20000' });

async function setUp(body: object = {}) {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  return { acme, owner, policy: await createPolicy(service, owner, body) };
}

const auditOf = async (token: string, action: string) =>
  (await call(service, 'GET', `/v1/audit-events?action=${action}`, { token })).body.data;

describe('POST /v1/ci/exchange', () => {
  test('returns a key of the policy that verifies, expires and is made by the policy', async () => {
    const { acme, policy } = await setUp();
    const answer = await exchange(service, {
      policy,
      token: await jobToken(service, acme),
      body: { lifetime_seconds: 1_800 },
    });
    expect(outcome(answer)).toEqual([200, undefined]);
    expect(answer.body).toEqual({
      access_token: expect.stringMatching(/^sk_/),
      issued_token_type: 'urn:latchkey:token-type:api-key',
      token_type: 'Bearer',
      expires_in: expect.any(Number),
      api_key: expect.objectContaining({
        permission_set: 'submit_observe',
        origin: 'ci',
        created_by: { kind: 'ci', id: policy, name: null },
        metadata: { ci_run: '4711', ci_commit: '0123456789abcdef0123456789abcdef01234567', ci_actor: 'octocat' },
        label: 'CI: deploy',
      }),
      revoke_token: expect.stringMatching(/^lkrv_/),
    });
    const seconds = Number(answer.body['expires_in']);
    expect(seconds).toBeGreaterThan(1_700);
    expect(seconds).toBeLessThanOrEqual(1_800);
    const verdict = await verifyKey(service, { key: answer.body['access_token'] });
    expect(verdict.body).toMatchObject({ valid: true, organization_id: acme.id, permission_set: 'submit_observe' });
  });

  test('gives WorkOS the expiry of the key, too', async () => {
    const { acme, policy } = await setUp();
    const { body } = await exchange(service, { policy, token: await jobToken(service, acme) });
    const key = body['api_key'] as { id: string; expires_at: string };
    const [row] = await service.db('api_keys').where({ workos_id: key.id }).select('workos_expires_at', 'expires_at');
    expect(row).toEqual({ workos_expires_at: new Date(key.expires_at), expires_at: new Date(key.expires_at) });
    const data = await keysAtWorkos(service, acme.id);
    expect(data).toEqual([expect.objectContaining({ id: key.id, expires_at: key.expires_at })]);
  });

  test('records api_key.created and ci.exchanged with the claims of the job', async () => {
    const { acme, owner, policy } = await setUp();
    const { body } = await exchange(service, { policy, token: await jobToken(service, acme) });
    const { id } = body['api_key'] as { id: string };
    expect(await auditOf(owner, 'ci.exchanged')).toEqual([
      expect.objectContaining({
        actor: { kind: 'ci', id: policy, name: null },
        target: { kind: 'ci_policy', id: policy },
        details: {
          key_id: id,
          issuer: 'github',
          claims: expect.objectContaining({ repository_id: '987', actor: 'octocat' }),
        },
      }),
    ]);
    expect(await auditOf(owner, 'api_key.created')).toEqual([
      expect.objectContaining({ actor: { kind: 'ci', id: policy, name: null }, target: { kind: 'api_key', id } }),
    ]);
  });

  test('makes one key of one token that is sent fifty times at once', async () => {
    const { acme, owner, policy } = await setUp({ max_active_keys: 100 });
    const token = await jobToken(service, acme);
    const answers = await Promise.all(Array.from({ length: 50 }, () => exchange(service, { policy, token })));
    const codes = answers.map(({ status, body }) => (status === 200 ? 'made' : body.error.code));
    expect(codes.filter((code) => code === 'made')).toHaveLength(1);
    expect(codes.filter((code) => !['made', 'ci_token_used', 'request_in_progress'].includes(code))).toEqual([]);
    const { body } = await call(service, 'GET', '/v1/api-keys?origin=ci', { token: owner });
    expect(body.data).toHaveLength(1);
    expect(outcome(await exchange(service, { policy, token }))).toEqual([409, 'ci_token_used']);
  });

  test('gives the last place to one of fifty jobs that race for it', async () => {
    const { acme, policy } = await setUp({ max_active_keys: 3 });
    const tokens = await Promise.all(Array.from({ length: 50 }, () => jobToken(service, acme)));
    const answers = await Promise.all(tokens.map((token) => exchange(service, { policy, token })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    const others = answers.filter(({ status }) => status !== 200);
    expect(new Set(others.map(({ body }) => body.error.code))).toEqual(new Set(['key_limit_reached']));
    expect(others[0]!.body.error.details).toEqual({ limit: 3, scope: 'ci_policy' });
  });

  test('leaves a token free that found no place', async () => {
    const { acme, owner, policy } = await setUp({ max_active_keys: 1 });
    await exchange(service, { policy, token: await jobToken(service, acme) });
    const token = await jobToken(service, acme);
    expect(outcome(await exchange(service, { policy, token }))).toEqual([409, 'key_limit_reached']);
    await call(service, 'PATCH', `/v1/ci/policies/${policy}`, { token: owner, body: { max_active_keys: 2 } });
    expect(outcome(await exchange(service, { policy, token }))).toEqual([200, undefined]);
  });

  test('frees the place of a key that has expired', async () => {
    const { acme, policy } = await setUp({ max_active_keys: 1, max_lifetime_seconds: 60 });
    await exchange(service, { policy, token: await jobToken(service, acme) });
    service.clock.advance(61_000);
    expect(outcome(await exchange(service, { policy, token: await jobToken(service, acme) }))).toEqual([
      200,
      undefined,
    ]);
  });

  test('gives the same key again for the same Idempotency-Key, and refuses another token under it', async () => {
    const { acme, policy } = await setUp();
    const [token, another] = await Promise.all([jobToken(service, acme), jobToken(service, acme)]);
    const first = await exchange(service, { policy, token, idempotencyKey: 'job-1' });
    const again = await exchange(service, { policy, token, idempotencyKey: 'job-1' });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    const { expires_in: _then, ...made } = first.body;
    const { expires_in: _now, ...repeated } = again.body;
    expect(repeated).toEqual(made);
    expect(outcome(await exchange(service, { policy, token: another, idempotencyKey: 'job-1' }))).toEqual([
      409,
      'idempotency_key_reused',
    ]);
  });

  test('does not count keys of CI jobs towards key_limit, and lists them only when asked', async () => {
    const { acme, owner, policy } = await setUp({ max_active_keys: 20 });
    for (let i = 0; i < 11; i++)
      expect(outcome(await exchange(service, { policy, token: await jobToken(service, acme) }))).toEqual([
        200,
        undefined,
      ]);
    const key = await createKey(service, owner);
    const list = async (query: string) =>
      (await call(service, 'GET', `/v1/api-keys${query}`, { token: owner })).body.data.map(({ id }) => id);
    expect(await list('')).toEqual([key.id]);
    expect(await list('?origin=latchkey')).toEqual([key.id]);
    expect(await list('?origin=ci')).toHaveLength(11);
    const { body } = await call(service, 'GET', '/v1/organization', { token: owner });
    expect(body['usage']).toEqual({ api_keys: 1, ci_api_keys: 11 });
    expect(body['limits']).toMatchObject({ ci_api_keys: 100 });
  });

  test('refuses to rotate a key of a CI job', async () => {
    const { acme, owner, policy } = await setUp();
    const { body } = await exchange(service, { policy, token: await jobToken(service, acme) });
    const { id } = body['api_key'] as { id: string };
    const answer = await call(service, 'POST', `/v1/api-keys/${id}/rotate`, { token: owner, body: {} });
    expect([answer.status, answer.body.error.details]).toEqual([
      400,
      { fields: { id: 'A key of a CI job cannot be rotated. Exchange a new token.' } },
    ]);
  });

  test.each([
    ['trial_expired', { status: 'trial' as const, trialEndsAt: new Date(0) }],
    ['past_due', { status: 'past_due' as const }],
    ['decommissioning', { status: 'decommissioning' as const }],
  ])('returns 423 in the posture %s, and leaves the token free', async (posture, billing) => {
    const { acme, policy } = await setUp();
    await service
      .db('tenants')
      .where({ organization_id: acme.id })
      .update({
        billing_status: billing.status,
        status_since: new Date(0),
        trial_ends_at: 'trialEndsAt' in billing ? billing.trialEndsAt : null,
      });
    const token = await jobToken(service, acme);
    const answer = await exchange(service, { policy, token });
    expect([answer.status, answer.body.error.details]).toEqual([423, { posture }]);
    await service
      .db('tenants')
      .where({ organization_id: acme.id })
      .update({ billing_status: 'active', trial_ends_at: null });
    expect(outcome(await exchange(service, { policy, token }))).toEqual([200, undefined]);
  });

  test.each<[string, FaultInput, number]>([
    ['refuses the key', { kind: 'status', status: 422, body: { message: 'no' } }, 502],
    ['cannot be reached', { kind: 'reset_before' }, 503],
    ['makes the key and loses the answer', { kind: 'reset_after' }, 503],
  ])('frees the token when WorkOS %s, and leaves no key there', async (_what, fault, status) => {
    const { acme, policy } = await setUp();
    const token = await jobToken(service, acme);
    failAt(service, 'create', { ...fault, times: 0 });
    expect((await exchange(service, { policy, token })).status).toBe(status);
    service.workos.faults.clear();
    service.clock.advance(60_000);
    await service.background.runOnce('settle');
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
    expect(outcome(await exchange(service, { policy, token }))).toEqual([200, undefined]);
    expect(await keysAtWorkos(service, acme.id)).toHaveLength(1);
  });
});

test('names the audience that a token must have', async () => {
  const { acme, owner, policy } = await setUp();
  const { body } = await call(service, 'GET', `/v1/ci/policies/${policy}`, { token: owner });
  expect(body).toMatchObject({ audience: audienceOf(acme), issuer_url: service.workos.ciIssuer('github') });
});
