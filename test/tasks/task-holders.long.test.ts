import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { startService } from '../support/service.ts';
import type { Service } from '../support/service.ts';
import type { Organization } from '../support/organizations.ts';
import { keyWithTasks, tasksOf } from './tasks.ts';

const tasks = { max: 3, default_seconds: 600 };
const perKey = await startService({}, { product: { tasks } });
const perOwner = await startService(
  {},
  {
    product: {
      tasks: { ...tasks, per: 'owner' },
      api_keys: { prefixes: ['sk_'], owners: ['organization', 'user'], keys_per_user: 10 },
    },
  },
);
const acme = await perKey.organizations.add({ status: 'active', plan: 'scale' });

const change = async (service: Service, of: Organization, id: string, act: string, body: object = {}) =>
  call(service, 'POST', `/v1/api-keys/${id}/${act}`, { token: await of.session(), body });
const revoke = async (service: Service, of: Organization, id: string) =>
  call(service, 'DELETE', `/v1/api-keys/${id}`, { token: await of.session() });

type Tasks = Awaited<ReturnType<typeof keyWithTasks>>;
const fill = async (key: Pick<Tasks, 'take'>) => {
  for (const name of ['one', 'two', 'three']) expect((await key.take({ name })).status).toBe(200);
};
const inactive = (status: string) => ({ fields: { api_key_id: `This key is ${status}.` } });

const personal = async (of: Organization, role: 'owner' | 'operator') => {
  const permissions = ['apikeys:write', 'workspace:read'];
  const token = await of.session(role, { permissions });
  const { id } = await createKey(perOwner, token, { owner: 'user' });
  return { id, ...tasksOf(perOwner, { organization_id: of.id, api_key_id: id }) };
};

describe('tasks per key', () => {
  test('end with the revocation of their key, which takes no more', async () => {
    const key = await keyWithTasks(perKey, acme);
    await fill(key);
    await revoke(perKey, acme, key.id);
    expect(await key.names()).toEqual([]);
    expect(outcome(await key.renew({ name: 'one' }))).toEqual([404, 'task_not_found']);
    const refused = await key.take({ name: 'four' });
    expect([outcome(refused), refused.body.error.details]).toEqual([[400, 'validation_error'], inactive('revoked')]);
    expect((await key.release('one')).status).toBe(200);
  });

  test('end when their key expires', async () => {
    const expires_at = new Date(perKey.clock().getTime() + 60_000).toISOString();
    const key = await keyWithTasks(perKey, acme, { expires_at });
    await fill(key);
    perKey.clock.advance(61_000);
    expect(await key.names()).toEqual([]);
    expect(outcome(await key.renew({ name: 'one' }))).toEqual([404, 'task_not_found']);
    expect((await key.take({ name: 'four' })).body.error.details).toEqual(inactive('expired'));
  });

  test('pause with the suspension of their key, and go on until their expiry when it is resumed', async () => {
    const key = await keyWithTasks(perKey, acme);
    await fill(key);
    await change(perKey, acme, key.id, 'suspend');
    expect(await key.names()).toEqual([]);
    expect(outcome(await key.renew({ name: 'one' }))).toEqual([404, 'task_not_found']);
    expect((await key.take({ name: 'four' })).body.error.details).toEqual(inactive('suspended'));
    await change(perKey, acme, key.id, 'resume');
    expect(await key.names()).toEqual(['one', 'three', 'two']);
    expect((await key.take({ name: 'four' })).status).toBe(429);
  });

  test('count together with those of the rotations of their key, however many', async () => {
    const first = await keyWithTasks(perKey, acme);
    await first.take({ name: 'one' });
    let current = first.id;
    for (const name of ['two', 'three']) {
      const { body } = await change(perKey, acme, current, 'rotate', { grace_seconds: 600 });
      current = String(body['id']);
      const next = tasksOf(perKey, { ...first.key, api_key_id: current });
      expect((await next.take({ name })).status).toBe(200);
    }
    const last = tasksOf(perKey, { ...first.key, api_key_id: current });
    for (const key of [first, last]) {
      expect((await key.take({ name: 'four' })).body.error.details).toMatchObject({ tasks: ['one', 'two', 'three'] });
      expect(await key.names()).toEqual(['one', 'three', 'two']);
    }
    // One and the same task, whichever of the keys its worker knows.
    expect((await last.renew({ name: 'one' })).status).toBe(200);
  });

  test('outlive the end of a key that was rotated, and end with its successor', async () => {
    const old = await keyWithTasks(perKey, acme);
    await fill(old);
    const { body } = await change(perKey, acme, old.id, 'rotate', { grace_seconds: 0 });
    expect(outcome(await old.take({ name: 'one' }))).toEqual([400, 'validation_error']);
    expect((await old.renew({ name: 'one' })).status).toBe(200);
    expect(await old.names()).toEqual(['one', 'three', 'two']);
    await revoke(perKey, acme, String(body['id']));
    expect(await old.names()).toEqual([]);
    expect(outcome(await old.renew({ name: 'one' }))).toEqual([404, 'task_not_found']);
  });
});

describe('tasks per owner', () => {
  test('count those of all keys of a person together, apart from other people and from the organization', async () => {
    const of = await perOwner.organizations.add();
    const [mine, other] = [await personal(of, 'owner'), await personal(of, 'owner')];
    await mine.take({ name: 'one' });
    await other.take({ name: 'two' });
    await mine.take({ name: 'three' });
    for (const key of [mine, other]) expect((await key.take({ name: 'four' })).status).toBe(429);
    expect(await other.names()).toEqual(['one', 'three', 'two']);
    await fill(await personal(of, 'operator'));
    const shared = await keyWithTasks(perOwner, of);
    await fill(shared);
    const third = await keyWithTasks(perOwner, of);
    expect((await third.take({ name: 'four' })).status).toBe(429);
  });

  test('count a person apart in each organization', async () => {
    const [one, two] = [await perOwner.organizations.add(), await perOwner.organizations.add()];
    await fill(await personal(one, 'owner'));
    const there = await personal(two, 'owner');
    await perOwner
      .db('api_keys')
      .where({ workos_id: there.id })
      .update({ owner_user_id: one.userId('owner') });
    await fill(there);
    expect(await there.names()).toEqual(['one', 'three', 'two']);
  });

  test('make room for the others when one of the keys ends', async () => {
    const of = await perOwner.organizations.add();
    const [mine, other] = [await personal(of, 'owner'), await personal(of, 'owner')];
    await mine.take({ name: 'one' });
    await mine.take({ name: 'two' });
    await other.take({ name: 'three' });
    await revoke(perOwner, of, mine.id);
    expect(await other.names()).toEqual(['three']);
    for (const name of ['four', 'five']) expect((await other.take({ name })).status).toBe(200);
    expect((await other.take({ name: 'six' })).status).toBe(429);
  });

  test('never exceed the limit by a suspended key that is resumed after others took its places', async () => {
    const of = await perOwner.organizations.add();
    const [mine, other] = [await personal(of, 'owner'), await personal(of, 'owner')];
    await fill(mine);
    await change(perOwner, of, mine.id, 'suspend');
    expect((await other.take({ name: 'new' })).status).toBe(200);
    await change(perOwner, of, mine.id, 'resume');
    expect(await mine.names()).toEqual(['new']);
    expect(outcome(await mine.renew({ name: 'one' }))).toEqual([404, 'task_not_found']);
  });

  test('belong to the key that took them last', async () => {
    const of = await perOwner.organizations.add();
    const [mine, other] = [await personal(of, 'owner'), await personal(of, 'owner')];
    await mine.take({ name: 'shared' });
    expect((await other.take({ name: 'shared' })).body).toMatchObject({ api_key_id: other.id });
    await revoke(perOwner, of, mine.id);
    expect(await other.names()).toEqual(['shared']);
  });
});
