import { afterEach, describe, expect, test } from 'vitest';
import { demoSeed } from '../../../src/emulator/demo.ts';
import { call, createKey, outcome } from '../../support/api.ts';
import { atWorkos, deleteAtWorkos, expireAtWorkos, makeDashboardKey } from '../../support/at-workos.ts';
import type { Organization } from '../../support/organizations.ts';
import { startService } from '../../support/service.ts';
import { failAt, takeWorkosDown } from '../../support/workos-faults.ts';
import { makeKeyAtWorkos, workosRequests } from '../../support/workos-keys.ts';
import { keyRow } from '../../support/key-row.ts';

const service = await startService({ WORKOS_VALIDATIONS_PER_SECOND: '20', WORKOS_TIMEOUT_MS: '1500' });
const { db, workos } = service;

afterEach(() => workos.faults.clear());

/** A person's session, whose signing keys are known from here on, whatever becomes of WorkOS. */
async function ownerOf(acme: Organization): Promise<string> {
  const owner = await acme.session();
  expect((await call(service, 'GET', '/v1/organization', { token: owner })).status).toBe(200);
  return owner;
}

const use = (token: string) => call(service, 'GET', '/v1/me/session', { token });
const questions = () => workosRequests(service, 'POST', '/api_keys/validations');
const nobodys = (end: string) => `sk_nobodysnobodysnobodysnobodys${end}`;
/** What the limit on questions lets through comes back within a second. */
const rest = () => new Promise((resolve) => setTimeout(resolve, 1_050));

describe('first use of a key from the dashboard', () => {
  test('is valid at once, with one question to WorkOS', async () => {
    const acme = await service.organizations.add();
    const permissions = ['workspace:read', 'audit:read'];
    const key = await makeDashboardKey(service, acme.id, { permissions });
    const before = questions();
    expect(await use(key.value)).toMatchObject({
      status: 200,
      body: {
        kind: 'api_key',
        organization_id: acme.id,
        api_key_id: key.id,
        api_key_label: 'from the dashboard',
        api_key_permission_set: 'read_only',
        permissions: ['audit:read', 'workspace:read'],
      },
    });
    expect((await use(key.value)).status).toBe(200);
    expect(questions() - before).toBe(1);
    const actions = await db('audit_events').where({ organization_id: acme.id }).pluck('action');
    expect(actions).toEqual(['api_key.created']);
  });

  test('shares one question and one row among concurrent requests', async () => {
    const acme = await service.organizations.add();
    const key = await makeDashboardKey(service, acme.id);
    const before = questions();
    const answers = await Promise.all(Array.from({ length: 20 }, () => use(key.value)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(questions() - before).toBe(1);
    expect(await db('api_keys').where({ organization_id: acme.id })).toHaveLength(1);
  });

  test('attaches the secret to the row that an event has made', async () => {
    const acme = await service.organizations.add();
    const key = await makeDashboardKey(service, acme.id);
    await service.background.runOnce('events');
    expect(await keyRow(db, key.id)).toMatchObject({ secret_hash: null });
    expect((await use(key.value)).status).toBe(200);
    expect(await keyRow(db, key.id)).toMatchObject({ secret_hash: expect.any(Buffer), status: 'active' });
    expect(await db('api_keys').where({ organization_id: acme.id })).toHaveLength(1);
  });

  test('needs no WorkOS afterwards, until the key is revoked or expires', async () => {
    const acme = await service.organizations.add();
    const owner = await ownerOf(acme);
    const [key, dated] = [await makeDashboardKey(service, acme.id), await makeDashboardKey(service, acme.id)];
    await use(key.value);
    await use(dated.value);
    await expireAtWorkos(service, dated.id, new Date(Date.now() + 60_000));
    await service.background.runOnce('events');
    takeWorkosDown(service);
    expect((await use(key.value)).status).toBe(200);
    expect((await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner })).status).toBe(200);
    expect(outcome(await use(key.value))).toEqual([401, 'credential_invalid']);
    service.clock.advance(61_000);
    expect(outcome(await use(dated.value))).toEqual([401, 'credential_expired']);
  });

  test('grants no scope that keys cannot hold', async () => {
    const acme = await service.organizations.add();
    const { organization: allowed = [] } = demoSeed.apiKeyPermissions ?? {};
    workos.seed({ apiKeyPermissions: { organization: [...allowed, 'members:write', 'apikeys:write'] } });
    const permissions = ['workspace:read', 'members:write', 'apikeys:write'];
    const key = await makeDashboardKey(service, acme.id, { permissions });
    expect((await use(key.value)).body['permissions']).toEqual(['workspace:read']);
    // Should a row say otherwise, it is not believed.
    const poisoned = await makeDashboardKey(service, acme.id, { permissions: ['workspace:read'] });
    await service.background.runOnce('events');
    await db('api_keys').where({ workos_id: poisoned.id }).update({ scopes: permissions });
    expect((await use(poisoned.value)).body['permissions']).toEqual(['workspace:read']);
  });

  test('refuses a key that WorkOS does not know, without asking again for a while', async () => {
    const before = questions();
    for (let i = 0; i < 3; i++) expect(outcome(await use(nobodys('a')))).toEqual([401, 'credential_invalid']);
    expect(questions() - before).toBe(1);
  });

  test('asks nothing about a malformed key', async () => {
    const before = questions();
    for (const token of ['sk_', 'sk_short', `sk_${'x'.repeat(300)}`, 'sk_with.dots.in.between.it']) {
      expect((await use(token)).status).toBe(401);
    }
    expect(questions()).toBe(before);
  });

  test.each<[string, Parameters<typeof failAt>[2]]>([
    ['no answer in time', { kind: 'hang' }],
    ['a reset', { kind: 'reset_before' }],
    ['a 500', { kind: 'status', status: 500 }],
    ['a 429', { kind: 'status', status: 429 }],
    ['an answer that is none', { kind: 'empty_body' }],
    ['a refusal of our own credential', { kind: 'status', status: 401 }],
  ])('%s of WorkOS is 503 and no judgement: the key works when WorkOS is back', async (_what, fault) => {
    const acme = await service.organizations.add();
    const key = await makeDashboardKey(service, acme.id);
    failAt(service, 'validate', fault);
    const answer = await use(key.value);
    expect(outcome(answer)).toEqual([503, 'workos_unavailable']);
    service.clock.advance(Number(answer.headers.get('retry-after')) * 1_000);
    expect((await use(key.value)).status).toBe(200);
  });

  test('treats a rejected question as an unknown key', async () => {
    failAt(service, 'validate', { kind: 'status', status: 422 });
    expect(outcome(await use(nobodys('b')))).toEqual([401, 'credential_invalid']);
  });

  test('asks WorkOS at most twenty times a second about made-up keys', async () => {
    await rest();
    const [before, from] = [questions(), performance.now()];
    const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => use(nobodys(`c${i}`))));
    for (const answer of answers.filter(({ status }) => status !== 401)) {
      expect(outcome(answer)).toEqual([503, 'workos_unavailable']);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    const seconds = (performance.now() - from) / 1_000;
    expect(questions() - before).toBeGreaterThanOrEqual(20);
    expect(questions() - before).toBeLessThanOrEqual(20 + 20 * seconds);
    await rest();
    const acme = await service.organizations.add();
    const key = await makeDashboardKey(service, acme.id);
    expect((await use(key.value)).status).toBe(200);
  });

  test('asks about a key at its next use if the budget was used up', async () => {
    await rest();
    const acme = await service.organizations.add();
    const key = await makeDashboardKey(service, acme.id);
    await Promise.all(Array.from({ length: 60 }, (_, i) => use(nobodys(`d${i}`))));
    expect([200, 503]).toContain((await use(key.value)).status);
    await rest();
    expect((await use(key.value)).status).toBe(200);
  });

  test('refuses a key that is revoked here while WorkOS still has it', async () => {
    await rest();
    const acme = await service.organizations.add();
    const owner = await ownerOf(acme);
    const [known, unknown] = [await makeDashboardKey(service, acme.id), await makeDashboardKey(service, acme.id)];
    await use(known.value);
    await service.background.runOnce('events');
    takeWorkosDown(service);
    for (const { id } of [known, unknown]) {
      expect((await call(service, 'DELETE', `/v1/api-keys/${id}`, { token: owner })).status).toBe(200);
    }
    workos.faults.clear();
    const before = questions();
    expect(outcome(await use(known.value))).toEqual([401, 'credential_invalid']);
    expect(questions()).toBe(before);
    expect(outcome(await use(unknown.value))).toEqual([401, 'credential_invalid']);
    expect(questions()).toBe(before + 1);
    expect(await keyRow(db, unknown.id)).toMatchObject({ status: 'revoked', secret_hash: null });
  });

  test('refuses a key whose deletion arrived before its creation', async () => {
    const acme = await service.organizations.add();
    const key = await makeDashboardKey(service, acme.id);
    await deleteAtWorkos(service, key.id);
    await service.background.runOnce('events');
    expect((await use(key.value)).status).toBe(401);
  });

  test('refuses a key of a closed organization', async () => {
    const acme = await service.organizations.add();
    await db('tenants').where({ organization_id: acme.id }).update({ deleted_at: service.clock() });
    const key = await makeDashboardKey(service, acme.id);
    expect(outcome(await use(key.value))).toEqual([401, 'credential_invalid']);
    expect(await keyRow(db, key.id)).toMatchObject({ status: 'revoked' });
  });

  test('refuses a personal key of WorkOS', async () => {
    const acme = await service.organizations.add();
    const path = `/user_management/users/${acme.userId('owner')}/api_keys`;
    const body = { name: 'mine', organization_id: acme.id, permissions: ['workspace:read'] };
    const key = await atWorkos<{ id: string; value: string }>(service, 'POST', path, body);
    expect(outcome(await use(key.value))).toEqual([401, 'credential_invalid']);
    expect(await keyRow(db, key.id)).toBeUndefined();
  });

  test('refuses an orphan of Latchkey, and a key that imitates its name', async () => {
    await rest();
    const acme = await service.organizations.add();
    const owner = await acme.session();
    failAt(service, 'create', { kind: 'lost_answer' });
    await call(service, 'POST', '/v1/api-keys', { token: owner, body: { label: 'x', permission_set: 'read_only' } });
    const [lost] = (await atWorkos<{ data: { name: string }[] }>(service, 'GET', `/organizations/${acme.id}/api_keys`))
      .data;
    const twin = await makeKeyAtWorkos(service, acme.id, lost!.name);
    expect(outcome(await use(twin.value))).toEqual([401, 'credential_invalid']);
    await createKey(service, owner);
    const [live] = (await atWorkos<{ data: { name: string }[] }>(service, 'GET', `/organizations/${acme.id}/api_keys`))
      .data;
    const borrowed = await makeKeyAtWorkos(service, acme.id, live!.name);
    expect(outcome(await use(borrowed.value))).toEqual([401, 'credential_invalid']);
  });
});
