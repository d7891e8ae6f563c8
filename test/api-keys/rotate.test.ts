import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import type { CreatedKey } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { keysAtWorkos, workosRequests, worksAtWorkos } from '../support/workos-keys.ts';

const service = await startService();

const WEEK_SECONDS = 7 * 24 * 3_600;
const rotate = (token: string, id: string, body?: unknown) =>
  call(service, 'POST', `/v1/api-keys/${id}/rotate`, { token, ...(body !== undefined && { body }) });
const get = async (token: string, id: string) => (await call(service, 'GET', `/v1/api-keys/${id}`, { token })).body;
const worksHere = async ({ value }: Pick<CreatedKey, 'value'>) =>
  (await call(service, 'GET', '/v1/me/session', { token: value })).status === 200;
const isGood = async (key: Pick<CreatedKey, 'value'>) => [
  await worksHere(key),
  await worksAtWorkos(service, key.value),
];

/** The successor, of a rotation that must work. */
async function rotated(token: string, id: string, body?: unknown): Promise<CreatedKey> {
  const answer = await rotate(token, id, body);
  expect(outcome(answer)).toEqual([201, undefined]);
  return answer.body as unknown as CreatedKey;
}

describe('POST /v1/api-keys/{id}/rotate', () => {
  test('stops the old key at once without a grace, here and at WorkOS', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const old = await createKey(service, owner);
    const successor = await rotated(owner, old.id, { grace_seconds: 0 });
    expect(await isGood(successor)).toEqual([true, true]);
    expect(await isGood(old)).toEqual([false, false]);
    expect(await get(owner, old.id)).toMatchObject({ status: 'expired' });
  });

  test('lets the old key work until the end of the grace, here and at WorkOS', async () => {
    const acme = await service.organizations.add();
    const old = await createKey(service, await acme.session());
    const before = service.clock().getTime();
    const successor = await rotated(await acme.session(), old.id, { grace_seconds: 3_600 });
    const { expires_at: end } = await get(await acme.session(), old.id);
    const graceMs = Date.parse(String(end)) - before;
    expect(graceMs).toBeGreaterThanOrEqual(3_600_000);
    expect(graceMs).toBeLessThan(3_610_000);
    expect((await keysAtWorkos(service, acme.id)).find(({ id }) => id === old.id)?.expires_at).toBe(end);
    service.clock.advance(3_590_000);
    expect([await isGood(old), await isGood(successor)]).toEqual([
      [true, true],
      [true, true],
    ]);
    service.clock.advance(20_000);
    expect([await isGood(old), await isGood(successor)]).toEqual([
      [false, false],
      [true, true],
    ]);
  });

  test('keeps an expiry that is before the end of the grace', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const expiresAt = new Date(service.clock().getTime() + 60_000).toISOString();
    const old = await createKey(service, owner, { expires_at: expiresAt });
    const successor = await rotated(owner, old.id, { grace_seconds: 3_600 });
    expect(await get(owner, old.id)).toMatchObject({ expires_at: expiresAt });
    expect(successor).toMatchObject({ expires_at: expiresAt });
  });

  test('copies all but the id, the secret, the creator and the times', async () => {
    const acme = await service.organizations.add();
    const extra = {
      label: 'CI',
      description: 'Two\nlines.',
      metadata: { team: 'platform' },
      permission_set: 'full_access',
    };
    const old = await createKey(service, await acme.session('owner'), extra);
    const before = await get(await acme.session(), old.id);
    const successor = await rotated(await acme.machineToken(), old.id, { grace_seconds: 60 });
    const after = await get(await acme.session(), successor.id);
    expect(after).toEqual({
      ...before,
      id: successor.id,
      prefix: successor.prefix,
      rotated_from: old.id,
      created_by: { kind: 'machine', id: acme.machineClientId, name: null },
      created_at: expect.any(String),
      updated_at: expect.any(String),
    });
    expect(await get(await acme.session(), old.id)).toMatchObject({ rotated_from: null, rotated_to: successor.id });
    expect(successor).toEqual({ ...after, value: expect.stringMatching(/^sk_/) });
    expect(successor.prefix).not.toBe(old.prefix);
    expect(successor.prefix.endsWith(successor.value.slice(-4))).toBe(true);
    const [there] = await keysAtWorkos(service, acme.id);
    expect(there).toMatchObject({ id: successor.id, name: expect.stringMatching(/^CI \[lk:/) });
    const atWorkos = await keysAtWorkos(service, acme.id);
    expect(atWorkos[0]?.permissions).toEqual(atWorkos[1]?.permissions);
  });

  test('counts old and new key as one towards the quota, during the grace and after it', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const first = await createKey(service, owner);
    for (let i = 0; i < 9; i++) await createKey(service, owner);
    await rotated(owner, first.id, { grace_seconds: 60 });
    const usage = async () =>
      (await call(service, 'GET', '/v1/organization', { token: await acme.session() })).body['usage'];
    expect(await usage()).toMatchObject({ api_keys: 10 });
    service.clock.advance(61_000);
    expect(await usage()).toMatchObject({ api_keys: 10 });
  });

  test('names predecessor and successor along a chain of rotations', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const a = await createKey(service, owner);
    const b = await rotated(owner, a.id);
    const c = await rotated(owner, b.id);
    const chain = await Promise.all([a, b, c].map(({ id }) => get(owner, id)));
    expect(chain.map((key) => [key['rotated_from'], key['rotated_to']])).toEqual([
      [null, b.id],
      [a.id, c.id],
      [b.id, null],
    ]);
    expect(await Promise.all([a, b, c].map(worksHere))).toEqual([false, false, true]);
  });

  test('records one audit event of the new key and one of the rotation', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const old = await createKey(service, owner);
    const successor = await rotated(owner, old.id, { grace_seconds: 60 });
    const { body } = await call(service, 'GET', '/v1/audit-events?limit=2', { token: owner });
    const end = (await get(owner, old.id))['expires_at'];
    expect(body.data).toMatchObject([
      {
        action: 'api_key.rotated',
        target: { kind: 'api_key', id: old.id },
        details: { rotated_to: successor.id, grace_seconds: 60, expires_at: end },
      },
      { action: 'api_key.created', target: { kind: 'api_key', id: successor.id }, details: { rotated_from: old.id } },
    ]);
  });

  test.each([
    ['no body', undefined],
    ['an empty object', {}],
  ])('rotates without a grace for %s', async (_what, body) => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const old = await createKey(service, owner);
    await rotated(owner, old.id, body);
    expect(await worksHere(old)).toBe(false);
  });

  test('accepts a grace of seven days', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const old = await createKey(service, owner);
    expect(outcome(await rotate(owner, old.id, { grace_seconds: WEEK_SECONDS + 1 }))).toEqual([
      400,
      'validation_error',
    ]);
    await rotated(owner, old.id, { grace_seconds: WEEK_SECONDS });
  });

  test.each([
    ['negative', { grace_seconds: -1 }],
    ['a fraction', { grace_seconds: 0.5 }],
    ['text', { grace_seconds: '60' }],
    ['null', { grace_seconds: null }],
    ['beyond any number', '{"grace_seconds":1e400}'],
  ])('returns 400 and rotates nothing for a grace that is %s', async (_what, body) => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const old = await createKey(service, owner);
    const answer = await rotate(owner, old.id, body);
    expect(outcome(answer)).toEqual([400, 'validation_error']);
    expect(answer.body.error.details?.['fields']).toEqual({ grace_seconds: expect.any(String) });
    expect(await worksHere(old)).toBe(true);
    expect(await keysAtWorkos(service, acme.id)).toHaveLength(1);
  });

  test('returns 400 for an unknown field', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const old = await createKey(service, owner);
    expect(outcome(await rotate(owner, old.id, { grace: 5 }))).toEqual([400, 'validation_error']);
  });

  test('returns 400 for a revoked, expired or replaced key, without a call to WorkOS', async () => {
    const acme = await service.organizations.add();
    const revoked = await createKey(service, await acme.session());
    await call(service, 'DELETE', `/v1/api-keys/${revoked.id}`, { token: await acme.session() });
    const expiresAt = new Date(service.clock().getTime() + 60_000).toISOString();
    const expired = await createKey(service, await acme.session(), { expires_at: expiresAt });
    const replaced = await createKey(service, await acme.session());
    await rotated(await acme.session(), replaced.id, { grace_seconds: 3_600 });
    service.clock.advance(60_000);
    const asked = () => workosRequests(service, 'POST', `/organizations/${acme.id}/api_keys`);
    const before = asked();
    for (const { id } of [revoked, expired, replaced]) {
      const answer = await rotate(await acme.session(), id);
      expect(outcome(answer)).toEqual([400, 'validation_error']);
      expect(answer.body.error.details).toEqual({ fields: { id: expect.any(String) } });
    }
    expect(asked()).toBe(before);
  });

  test("returns the same 404 for another organization's key as for an unknown id", async () => {
    const [acme, other] = [await service.organizations.add(), await service.organizations.add()];
    const theirs = await createKey(service, await other.session());
    const ids = [theirs.id, 'api_key_01ARZ3NDEKTSV4RRFFQ69G5FAV', 'nothing', '%00', "'", 'x'.repeat(300)];
    for (const id of ids) {
      expect(outcome(await rotate(await acme.session(), id))).toEqual([404, 'api_key_not_found']);
    }
    expect(await worksHere(theirs)).toBe(true);
  });

  test.each(['past_due', 'decommissioning'] as const)('returns 423 billing_inactive in posture %s', async (status) => {
    const acme = await service.organizations.add();
    const old = await createKey(service, await acme.session());
    await service.db('tenants').where({ organization_id: acme.id }).update({ billing_status: status });
    const answer = await rotate(await acme.session(), old.id);
    expect(outcome(answer)).toEqual([423, 'billing_inactive']);
    expect(answer.body.error.details).toEqual({ posture: status });
    expect(await worksHere(old)).toBe(true);
  });

  test('returns 403 to API keys and to a person without apikeys:write', async () => {
    const acme = await service.organizations.add();
    const key = await createKey(service, await acme.session(), { permission_set: 'full_access' });
    for (const token of [key.value, await acme.session('member'), await acme.machineToken('apikeys:read')]) {
      expect(outcome(await rotate(token, key.id))).toEqual([403, 'permission_denied']);
    }
    expect(outcome(await call(service, 'POST', `/v1/api-keys/${key.id}/rotate`))).toEqual([401, 'credential_missing']);
    expect(await worksHere(key)).toBe(true);
  });
});
