import { describe, expect, test } from 'vitest';
import { call, createKey, outcome, verifyKey } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';
import { createPolicy, exchange, jobToken } from './ci.ts';
import { auditOf, createIn, setUpSessions } from './session.ts';

// Fifty requests at once take their time on a busy machine.
const service = await startService({ WORKOS_TIMEOUT_MS: '20000' }, { product: { chosen_scopes: ['tasks:write'] } });
const CREATED = [201, undefined];

const setUp = (body: object = {}) => setUpSessions(service, body);
const create = (token: string, body: object = {}, idempotencyKey?: string) =>
  createIn(service, token, body, idempotencyKey);
const list = (token: string, query = '') => call(service, 'GET', `/v1/api-keys${query}`, { token });
const allowedOf = ({ status, body }: Answer) => [status, body.error.code, body.error.details?.['allowed']];
const inSeconds = (seconds: number) => new Date(service.clock().getTime() + seconds * 1_000).toISOString();

describe('a CI session', () => {
  test('creates keys of the policy, with run and session as metadata, and records api_key.created as ci', async () => {
    const { acme, owner, policy, session } = await setUp();
    const { token, id: sessionId } = await session();
    const { body } = await create(token, { metadata: { ci_run: 'forged', shard: '1' } });
    expect(body).toMatchObject({
      origin: 'ci',
      created_by: { kind: 'ci', id: policy, name: null },
      permission_set: 'submit_observe',
      metadata: { ci_run: '4711', ci_actor: 'octocat', ci_session: sessionId, shard: '1' },
    });
    const lifetimeMs = Date.parse(String(body['expires_at'])) - service.clock().getTime();
    expect(lifetimeMs).toBeGreaterThan(3_590_000);
    expect(lifetimeMs).toBeLessThanOrEqual(3_600_000);
    expect((await verifyKey(service, { key: body['value'] })).body).toMatchObject({ valid: true });
    expect(await keysAtWorkos(service, acme.id)).toHaveLength(1);
    expect(await auditOf(service, owner, 'api_key.created')).toEqual([
      expect.objectContaining({
        actor: { kind: 'ci', id: policy, name: null },
        details: expect.objectContaining({ ci_session: sessionId }),
      }),
    ]);
  });

  test.each<[string, () => object, object]>([
    ['a set', () => ({ permission_set: 'full_access' }), { permission_sets: ['submit_observe'] }],
    ['scopes', () => ({ permission_set: undefined, scopes: ['tasks:write'] }), { scopes: [] }],
    ['a lifetime', () => ({ expires_at: inSeconds(7_200) }), { max_lifetime_seconds: 3_600 }],
    ['a lifetime in days', () => ({ expires_in: '1d' }), { max_lifetime_seconds: 3_600 }],
    ['a lifetime without end', () => ({ expires_at: null }), { max_lifetime_seconds: 3_600 }],
  ])('creates no key with %s beyond the policy', async (_what, body, allowed) => {
    const { acme, session } = await setUp();
    const { token } = await session();
    expect(allowedOf(await create(token, body()))).toEqual([403, 'permission_denied', allowed]);
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
    expect(outcome(await create(token, { expires_at: inSeconds(1_800) }))).toEqual(CREATED);
  });

  test('creates keys from scopes that the policy names', async () => {
    const { session } = await setUp({ permission_sets: [], scopes: ['tasks:write'] });
    const { token } = await session();
    const { body } = await create(token, { permission_set: undefined, scopes: ['tasks:write'] });
    expect(body).toMatchObject({ permission_set: null, scopes: ['tasks:write'] });
  });

  test('creates no personal key', async () => {
    const service2 = await startService(
      {},
      { product: { api_keys: { prefixes: ['sk_'], owners: ['organization', 'user'] } } },
    );
    const acme = await service2.organizations.add();
    const policy = await createPolicy(service2, await acme.session(), { issue: 'session' });
    const { body } = await exchange(service2, { policy, token: await jobToken(service2, acme) });
    const answer = await call(service2, 'POST', '/v1/api-keys', {
      token: String(body['access_token']),
      body: { label: 'mine', permission_set: 'submit_observe', owner: 'user' },
    });
    expect(outcome(answer)).toEqual([403, 'permission_denied']);
  });

  test('keeps max_active_keys of the policy over all its sessions, also in a race', async () => {
    const { session } = await setUp({ max_active_keys: 3 });
    const [one, other] = [await session(), await session()];
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => create(i % 2 === 0 ? one.token : other.token)),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
    const refused = answers.filter(({ status }) => status !== 201);
    expect(new Set(refused.map(({ body }) => body.error.code))).toEqual(new Set(['key_limit_reached']));
    expect(refused[0]!.body.error.details).toEqual({ limit: 3, scope: 'ci_policy' });
  });

  test('lists, shows and revokes the keys of its policy, and no others', async () => {
    const { acme, owner, session } = await setUp();
    const plain = await createKey(service, owner);
    const neighbour = await createPolicy(service, owner, { name: 'neighbour', issue: 'session' });
    const { body } = await exchange(service, { policy: neighbour, token: await jobToken(service, acme) });
    const theirs = (await create(String(body['access_token']))).body;
    const { token } = await session();
    const mine = (await create(token)).body;
    for (const query of ['', '?origin=ci', '?owner=organization', '?owner=user'])
      expect((await list(token, query)).body.data.map(({ id }) => id)).toEqual([mine['id']]);
    expect((await list(token, '?origin=latchkey')).body.data).toEqual([]);
    for (const id of [plain.id, String(theirs['id'])]) {
      const path = `/v1/api-keys/${id}`;
      for (const method of ['GET', 'DELETE'])
        expect(outcome(await call(service, method, path, { token }))).toEqual([404, 'api_key_not_found']);
      expect(outcome(await list(token, `?after=${id}`))).toEqual([400, 'validation_error']);
    }
    const path = `/v1/api-keys/${String(mine['id'])}`;
    expect((await call(service, 'GET', path, { token })).body).toMatchObject({ id: mine['id'] });
    expect((await call(service, 'DELETE', path, { token })).body).toEqual({ status: 'revoked' });
    expect((await verifyKey(service, { key: mine['value'] })).body).toMatchObject({ code: 'revoked' });
  });

  test('gets no answer that another session of the policy got for the same Idempotency-Key', async () => {
    const { session } = await setUp();
    const [one, other] = [await session(), await session()];
    const first = await create(one.token, {}, 'provision');
    expect((await create(one.token, {}, 'provision')).body['value']).toBe(first.body['value']);
    const second = await create(other.token, {}, 'provision');
    expect(outcome(second)).toEqual(CREATED);
    expect(second.body['id']).not.toBe(first.body['id']);
  });
});
