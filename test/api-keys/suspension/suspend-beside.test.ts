import { afterEach, describe, expect, test } from 'vitest';
import { call, createKey, outcome, verifyKey } from '../../support/api.ts';
import type { Answer } from '../../support/api.ts';
import { deleteAtWorkos, expireAtWorkos } from '../../support/at-workos.ts';
import { SECRET, makeTestReconcile } from '../../support/reconcile.ts';
import { startService } from '../../support/service.ts';
import { makeStuck } from '../../support/stuck.ts';
import { keysAtWorkos } from '../../support/workos-keys.ts';

const stuck = makeStuck();
const service = await startService({ LATCHKEY_SECRET: SECRET, WORKOS_TIMEOUT_MS: '1500' }, { at: stuck.at });
const reconcile = makeTestReconcile(service);

afterEach(() => stuck.release('goOn'));

const post = (token: string, id: string, verb: string, body?: object): Promise<Answer> =>
  call(service, 'POST', `/v1/api-keys/${id}/${verb}`, { token, ...(body && { body }) });
const get = async (token: string, id: string) => (await call(service, 'GET', `/v1/api-keys/${id}`, { token })).body;
const codeOf = async (key: string) => (await verifyKey(service, { key })).body['code'];
const actionsOf = async (id: string): Promise<string[]> =>
  service.db('audit_events').where({ target_id: id }).orderBy('sequence').pluck('action');

async function setUp(key: object = {}) {
  const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
  const owner = await acme.session();
  return { acme, owner, key: await createKey(service, owner, key) };
}

/** Starts a request, has it stop at a point, does something else, and lets it go on. */
async function beside(point: string, request: () => Promise<Answer>, act: () => Promise<unknown>): Promise<Answer> {
  stuck.stopAt(point);
  const answer = request();
  await expect.poll(stuck.standing, { interval: 5 }).toBe(1);
  await act();
  stuck.release('goOn');
  return answer;
}

describe('a suspension beside a rotation', () => {
  test.each(['rotate.before_reserve', 'rotate.reserved', 'rotate.issued'])(
    'that stands at %s refuses the rotation, and leaves no other key',
    async (point) => {
      const { acme, owner, key } = await setUp();
      const rotation = await beside(
        point,
        () => post(owner, key.id, 'rotate', { grace_seconds: 3_600 }),
        () => post(owner, key.id, 'suspend'),
      );
      expect(outcome(rotation)).toEqual([409, 'api_key_suspended']);
      expect((await keysAtWorkos(service, acme.id)).map(({ id }) => id)).toEqual([key.id]);
      expect(await get(owner, key.id)).toMatchObject({ status: 'suspended', rotated_to: null });
      expect(await codeOf(key.value)).toBe('suspended');
    },
  );

  test('that is committed stops the old key alone', async () => {
    const { owner, key } = await setUp();
    const rotation = await beside(
      'rotate.expired',
      () => post(owner, key.id, 'rotate', { grace_seconds: 3_600 }),
      () => post(owner, key.id, 'suspend'),
    );
    expect(outcome(rotation)).toEqual([201, undefined]);
    expect([await codeOf(key.value), await codeOf(String(rotation.body['value']))]).toEqual(['suspended', 'valid']);
  });
});

describe('a suspension beside another change', () => {
  test('of two operators is recorded once, whichever comes first', async () => {
    const { acme, owner, key } = await setUp();
    const tokens = [
      owner,
      await acme.machineToken(),
      await acme.session('operator', { permissions: ['apikeys:write'] }),
    ];
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) => post(tokens[i % 3]!, key.id, 'suspend', { reason: `number ${i}` })),
    );
    const reasons = new Set(answers.map(({ body }) => body['suspension_reason']));
    expect([answers.every(({ status }) => status === 200), reasons.size]).toEqual([true, 1]);
    expect(await actionsOf(key.id)).toEqual(['api_key.created', 'api_key.suspended']);
  });

  test('that is a resumption ends as the last of them, and each change has one event', async () => {
    const { owner, key } = await setUp();
    await Promise.all(Array.from({ length: 20 }, (_, i) => post(owner, key.id, i % 2 === 0 ? 'suspend' : 'resume')));
    const [, ...actions] = await actionsOf(key.id);
    actions.forEach((action, i) => expect(action).toBe(i % 2 === 0 ? 'api_key.suspended' : 'api_key.resumed'));
    const status = actions.at(-1) === 'api_key.suspended' ? 'suspended' : 'active';
    expect(await get(owner, key.id)).toMatchObject({ status });
    expect(await codeOf(key.value)).toBe(status === 'suspended' ? 'suspended' : 'valid');
  });

  test('that is a revocation leaves the key revoked, in either order', async () => {
    const { owner, key } = await setUp();
    const remove = () => call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner });
    const late = await beside('suspend.before', () => post(owner, key.id, 'suspend'), remove);
    expect(outcome(late)).toEqual([400, 'validation_error']);
    const other = await createKey(service, owner);
    const answers = await Promise.all([
      post(owner, other.id, 'suspend'),
      call(service, 'DELETE', `/v1/api-keys/${other.id}`, { token: owner }),
      post(owner, other.id, 'resume'),
    ]);
    for (const { status } of answers) expect([200, 400]).toContain(status);
    for (const { id, value } of [key, other]) {
      expect(await get(owner, id)).toMatchObject({ status: 'revoked' });
      expect(await codeOf(value)).toBe('revoked');
    }
  });

  test('that is a verification is seen by every verification that begins after its answer', async () => {
    const { owner, key } = await setUp();
    for (let i = 0; i < 10; i++) {
      const during = Array.from({ length: 10 }, () => codeOf(key.value));
      await post(owner, key.id, 'suspend');
      const after = await Promise.all(Array.from({ length: 10 }, () => codeOf(key.value)));
      expect(new Set(after)).toEqual(new Set(['suspended']));
      for (const code of await Promise.all(during)) expect(['valid', 'suspended']).toContain(code);
      await post(owner, key.id, 'resume');
      expect(await codeOf(key.value)).toBe('valid');
    }
  });

  test('that died before its answer is there, and a repetition changes nothing', async () => {
    const { owner, key } = await setUp();
    for (const [verb, code] of [
      ['suspend', 'suspended'],
      ['resume', 'valid'],
    ] as const) {
      stuck.stopAt(`${verb}.committed`);
      const lost = post(owner, key.id, verb);
      await expect.poll(stuck.standing, { interval: 5 }).toBe(1);
      expect(await codeOf(key.value)).toBe(code);
      stuck.release('goOn');
      const again = await post(owner, key.id, verb);
      expect(again.body).toEqual((await lost).body);
    }
    expect(await actionsOf(key.id)).toEqual(['api_key.created', 'api_key.suspended', 'api_key.resumed']);
  });
});

describe('WorkOS, which knows of no suspension,', () => {
  test('neither ends nor loses one by its events and listings', async () => {
    const { acme, owner, key } = await setUp();
    await post(owner, key.id, 'suspend', { reason: 'stays' });
    const before = await get(owner, key.id);
    const end = new Date(service.clock().getTime() + 3_600_000);
    await expireAtWorkos(service, key.id, end);
    await service.background.runOnce('events');
    await reconcile({ organizationId: acme.id });
    const { short } = await reconcile({ organizationId: acme.id });
    expect(short).toEqual([]);
    const { updated_at: _then, expires_in_days: _days, ...kept } = before;
    expect(await get(owner, key.id)).toMatchObject({ ...kept, expires_at: end.toISOString() });
    expect(await codeOf(key.value)).toBe('suspended');
  });

  test('gives no suspended key back by validating it, when its secret is unknown here', async () => {
    const { owner, key } = await setUp();
    await post(owner, key.id, 'suspend');
    const lost = { secret_hash: Buffer.from('none'), hash_key: 'an earlier secret' };
    await service.db('api_keys').where({ workos_id: key.id }).update(lost);
    const { body } = await verifyKey(await service.replica(), { key: key.value });
    expect(body).toMatchObject({ valid: false, code: 'suspended', source: 'workos' });
  });

  test('revokes for ever what it deletes, suspended or not', async () => {
    const { acme, owner, key } = await setUp();
    const other = await createKey(service, owner);
    for (const { id } of [key, other]) await post(owner, id, 'suspend');
    await deleteAtWorkos(service, key.id);
    await service.background.runOnce('events');
    await deleteAtWorkos(service, other.id);
    await reconcile({ organizationId: acme.id });
    for (const { id, value } of [key, other]) {
      expect(await get(owner, id)).toMatchObject({ status: 'revoked' });
      expect(outcome(await post(owner, id, 'resume'))).toEqual([400, 'validation_error']);
      expect(await codeOf(value)).toBe('revoked');
    }
  });
});
