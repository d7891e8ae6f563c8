import { describe, expect, test } from 'vitest';
import { call, createKey, outcome, verifyKey } from '../../support/api.ts';
import type { Answer } from '../../support/api.ts';
import type { Organization } from '../../support/organizations.ts';
import { SERVICE_TOKEN, startService } from '../../support/service.ts';
import { createIn, setUpSessions } from '../../ci/session.ts';

const service = await startService(
  {},
  {
    product: {
      api_keys: { prefixes: ['sk_'], owners: ['organization', 'user'] },
      sessions: { impersonated_may: ['read', 'revoke'] },
    },
  },
);

const OK = [200, undefined];
const DENIED = [403, 'permission_denied'];
const NOT_FOUND = [404, 'api_key_not_found'];
const OWN = { permissions: ['apikeys:write:own', 'workspace:read'] };

const post = (token: string, id: string, verb: 'suspend' | 'resume'): Promise<Answer> =>
  call(service, 'POST', `/v1/api-keys/${id}/${verb}`, { token });
const suspend = async (token: string, id: string) => outcome(await post(token, id, 'suspend'));
const resume = async (token: string, id: string) => outcome(await post(token, id, 'resume'));
const codeOf = async (key: string) => (await verifyKey(service, { key })).body['code'];
const actionsOf = async (id: string): Promise<string[]> =>
  service.db('audit_events').where({ target_id: id }).orderBy('sequence').pluck('action');
const own = (acme: Organization) => acme.session('member', OWN);

const DAY_MS = 24 * 3_600_000;
const at = (ms: number) => new Date(service.clock().getTime() + ms).toISOString();

describe('suspend and resume', () => {
  test('are refused to a person without the scope, to keys, to strangers and to service tokens', async () => {
    const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
    const key = await createKey(service, await acme.session(), { permission_set: 'full_access' });
    const other = await createKey(service, await acme.session(), { permission_set: 'full_access' });
    const reader = await acme.session('member', { permissions: ['apikeys:read'] });
    const stranger = await (await service.organizations.add()).session();
    for (const verb of [suspend, resume]) {
      expect(await verb(reader, key.id)).toEqual(DENIED);
      expect(await verb(other.value, key.id)).toEqual(DENIED);
      expect(await verb(await acme.machineToken('audit:read'), key.id)).toEqual(DENIED);
      expect(await verb(stranger, key.id)).toEqual(NOT_FOUND);
      expect((await verb(SERVICE_TOKEN, key.id))[0]).toBe(403);
    }
    expect(await codeOf(key.value)).toBe('valid');
    expect(await actionsOf(key.id)).toEqual(['api_key.created']);
  });

  test('are given to machines that may change keys', async () => {
    const acme = await service.organizations.add();
    const key = await createKey(service, await acme.session());
    const machine = await acme.machineToken('apikeys:write');
    expect(await suspend(machine, key.id)).toEqual(OK);
    expect(await codeOf(key.value)).toBe('suspended');
    expect(await resume(machine, key.id)).toEqual(OK);
    expect(await codeOf(key.value)).toBe('valid');
  });

  test('work in every billing posture, and billing goes on to judge the resumed key', async () => {
    const postures: [string, object][] = [
      ['active', { status: 'active' }],
      ['trial', { status: 'trial', trial_ends_at: at(DAY_MS) }],
      ['trial_expired', { status: 'trial', trial_ends_at: at(-DAY_MS) }],
      ['past_due', { status: 'past_due' }],
      ['decommissioning', { status: 'decommissioning', decommission_at: at(DAY_MS) }],
    ];
    for (const [posture, body] of postures) {
      const acme = await service.organizations.add();
      const owner = await acme.session();
      const key = await createKey(service, owner);
      await call(service, 'PUT', `/v1/organizations/${acme.id}/billing`, { token: SERVICE_TOKEN, body });
      const { body: organization } = await call(service, 'GET', '/v1/organization', { token: owner });
      expect(organization['posture']).toBe(posture);
      const before = (await verifyKey(service, { key: key.value, operation: 'create' })).body['code'];
      expect([posture, await suspend(owner, key.id)]).toEqual([posture, OK]);
      expect(await codeOf(key.value)).toBe('suspended');
      expect([posture, await resume(owner, key.id)]).toEqual([posture, OK]);
      expect((await verifyKey(service, { key: key.value, operation: 'create' })).body['code']).toBe(before);
    }
  });

  test('of an impersonated session follow the permissions to revoke and to update', async () => {
    const acme = await service.organizations.add();
    const key = await createKey(service, await acme.session());
    const impersonated = await acme.session('owner', { act: { sub: 'staff@product.test' } });
    expect(await suspend(impersonated, key.id)).toEqual(OK);
    expect(await resume(impersonated, key.id)).toEqual(DENIED);
    const [event] = await service.db('audit_events').where({ target_id: key.id, action: 'api_key.suspended' });
    expect(event).toMatchObject({
      actor_id: 'staff@product.test',
      details: { impersonated_user_id: acme.userId('owner') },
    });
  });
});

describe('a personal key', () => {
  test('is suspended and resumed by its owner, and not by another person with …:own', async () => {
    const acme = await service.organizations.add();
    const key = await createKey(service, await own(acme), { owner: 'user' });
    const colleague = await acme.session('operator', OWN);
    for (const verb of [suspend, resume]) expect(await verb(colleague, key.id)).toEqual(NOT_FOUND);
    expect(await suspend(await own(acme), key.id)).toEqual(OK);
    expect(await codeOf(key.value)).toBe('suspended');
    expect(await resume(await own(acme), key.id)).toEqual(OK);
    expect(await codeOf(key.value)).toBe('valid');
  });

  test('that an administrator suspended is resumed by an administrator, not by its owner', async () => {
    const acme = await service.organizations.add();
    const key = await createKey(service, await own(acme), { owner: 'user' });
    expect(await suspend(await acme.session(), key.id)).toEqual(OK);
    expect(await suspend(await own(acme), key.id)).toEqual(OK);
    expect(await resume(await own(acme), key.id)).toEqual(DENIED);
    expect(await codeOf(key.value)).toBe('suspended');
    expect(await resume(await acme.machineToken(), key.id)).toEqual(OK);
    expect(await codeOf(key.value)).toBe('valid');
  });

  test('that its owner suspended stays so for an administrator, who takes the suspension over', async () => {
    const acme = await service.organizations.add();
    const key = await createKey(service, await own(acme), { owner: 'user' });
    expect(await suspend(await own(acme), key.id)).toEqual(OK);
    const { body } = await post(await acme.session(), key.id, 'suspend');
    expect(body).toMatchObject({ status: 'suspended', suspended_by: { id: acme.userId('owner') } });
    expect(await resume(await own(acme), key.id)).toEqual(DENIED);
    expect(await actionsOf(key.id)).toEqual(['api_key.created', 'api_key.suspended', 'api_key.suspended']);
    expect((await post(await acme.machineToken(), key.id, 'suspend')).body).toEqual(body);
  });

  test('is refused as revoked when its owner leaves, suspended or not', async () => {
    const acme = await service.organizations.add();
    const key = await createKey(service, await own(acme), { owner: 'user' });
    await suspend(await own(acme), key.id);
    await service.db('members').where({ organization_id: acme.id }).update({ active: false });
    expect(await codeOf(key.value)).toBe('revoked');
    await resume(await acme.session(), key.id);
    expect(await codeOf(key.value)).toBe('revoked');
  });
});

describe('a CI session', () => {
  test('suspends and resumes keys of its policy alone, and resumes only what its policy suspended', async () => {
    const { acme, owner, session } = await setUpSessions(service);
    const { token } = await session();
    const { body: made } = await createIn(service, token);
    const [id, value] = [String(made['id']), String(made['value'])];
    const foreign = await createKey(service, await acme.session());
    for (const verb of [suspend, resume]) expect(await verb(token, foreign.id)).toEqual(NOT_FOUND);
    expect(await suspend(token, id)).toEqual(OK);
    expect(await codeOf(value)).toBe('suspended');
    expect(await resume((await session()).token, id)).toEqual(OK);
    expect(await codeOf(value)).toBe('valid');
    expect(await suspend(owner, id)).toEqual(OK);
    expect(await resume(token, id)).toEqual(DENIED);
    expect(await codeOf(value)).toBe('suspended');
    expect(await resume(owner, id)).toEqual(OK);
  });
});
