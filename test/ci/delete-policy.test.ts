import { afterEach, describe, expect, test } from 'vitest';
import { call, createKey, outcome, verifyKey } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { makeStuck } from '../support/stuck.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';
import { createPolicy, exchange, jobToken } from './ci.ts';
import { createIn } from './session.ts';

const stuck = makeStuck();
const service = await startService({ WORKOS_TIMEOUT_MS: '20000' }, { at: stuck.at });

afterEach(() => stuck.release('goOn'));

async function setUp(body: object = {}) {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const policy = await createPolicy(service, owner, { max_active_keys: 1_000, ...body });
  const send = async (at = policy) => exchange(service, { policy: at, token: await jobToken(service, acme) });
  const remove = (query = '?revoke_keys=true', token = owner) =>
    call(service, 'DELETE', `/v1/ci/policies/${policy}${query}`, { token });
  const here = () => service.db('api_keys').where({ organization_id: acme.id });
  return { acme, owner, policy, send, remove, here };
}
const codeOf = async (key: unknown) => (await verifyKey(service, { key })).body['code'];

describe('DELETE /v1/ci/policies/{id}?revoke_keys=true', () => {
  test('revokes the keys of the policy here and at WorkOS, and no others', async () => {
    const { acme, owner, send, remove } = await setUp();
    const neighbour = await createPolicy(service, owner, { name: 'neighbour' });
    const plain = await createKey(service, owner);
    const own = [(await send()).body['access_token'], (await send()).body['access_token']];
    const theirs = (await send(neighbour)).body['access_token'];
    expect((await remove()).body).toEqual({ status: 'deleted', revoked_keys: 2 });
    for (const key of own) expect(await codeOf(key)).toBe('revoked');
    for (const key of [plain.value, theirs]) expect(await codeOf(key)).toBe('valid');
    service.clock.advance(60_000);
    await service.background.runOnce('settle');
    expect(await keysAtWorkos(service, acme.id)).toHaveLength(2);
    const events = (
      await call(service, 'GET', '/v1/audit-events?action=api_key.revoked', { token: await acme.session() })
    ).body;
    expect(events.data.map(({ actor, details }) => [actor, details])).toEqual(
      own.map(() => [
        { kind: 'user', id: acme.userId('owner'), name: null },
        { label: 'CI: deploy', reason: 'ci_policy_deleted' },
      ]),
    );
  });

  test('revokes the keys of its CI sessions, and ends those', async () => {
    const { send, remove } = await setUp({ issue: 'session' });
    const token = String((await send()).body['access_token']);
    const key = (await createIn(service, token)).body['value'];
    expect((await remove()).body).toEqual({ status: 'deleted', revoked_keys: 1 });
    expect(await codeOf(key)).toBe('revoked');
    expect(outcome(await createIn(service, token))).toEqual([401, 'credential_invalid']);
  });

  test('revokes more keys than one batch has', async () => {
    const { send, remove, here } = await setUp();
    const { body } = await send();
    const { id } = body['api_key'] as { id: string };
    const row = await here().first();
    const copies = Array.from({ length: 250 }, (_, i) => ({
      ...row,
      id: `${row.id.slice(0, -4)}${String(i).padStart(4, '0')}`,
      workos_id: `${id}_${i}`,
      metadata: JSON.stringify(row.metadata),
      secret_hash: Buffer.concat([row.secret_hash.subarray(4), Buffer.from(String(i).padStart(4, '0'))]),
    }));
    await service.db('api_keys').insert(copies);
    expect((await remove()).body).toEqual({ status: 'deleted', revoked_keys: 251 });
    expect(await here().where({ status: 'active' })).toEqual([]);
  });

  test.each([
    ['an exchange', {}],
    ['a CI session', { issue: 'session' }],
  ])('undoes a key that %s is making meanwhile', async (_what, body) => {
    const { acme, send, remove } = await setUp(body);
    const begin =
      'issue' in body
        ? (
            (token) => () =>
              createIn(service, token)
          )(String((await send()).body['access_token']))
        : () => send();
    stuck.stopAt('create.issued');
    const slow = begin();
    await expect.poll(() => stuck.standing(), { timeout: 15_000 }).toBe(1);
    expect((await remove()).body).toEqual({ status: 'deleted', revoked_keys: 0 });
    stuck.release('goOn');
    expect(outcome(await slow)).toEqual([401, 'credential_invalid']);
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
  });

  test('leaves keys until their expiry unless it is asked for', async () => {
    const { send, remove } = await setUp();
    const key = (await send()).body['access_token'];
    expect(outcome(await remove('?revoke_keys=yes'))).toEqual([400, 'validation_error']);
    expect((await remove('?revoke_keys=false')).body).toEqual({ status: 'deleted', revoked_keys: 0 });
    expect(await codeOf(key)).toBe('valid');
  });

  test('does nothing for a caller of another organization, or with apikeys:read', async () => {
    const { acme, send, remove } = await setUp();
    const key = (await send()).body['access_token'];
    const other = await service.organizations.add();
    expect(outcome(await remove('?revoke_keys=true', await other.session()))).toEqual([404, 'ci_policy_not_found']);
    const reader = await acme.session('owner', { permissions: ['apikeys:read'] });
    expect(outcome(await remove('?revoke_keys=true', reader))).toEqual([403, 'permission_denied']);
    expect(await codeOf(key)).toBe('valid');
  });
});
