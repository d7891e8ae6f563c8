import { describe, expect, test } from 'vitest';
import { call, createKey, outcome, verifyKey } from '../support/api.ts';
import type { Answer, CreatedKey } from '../support/api.ts';
import { atWorkos } from '../support/at-workos.ts';
import { parseCsv } from '../support/csv.ts';
import { startService } from '../support/service.ts';
import type { Service } from '../support/service.ts';
import type { Organization } from '../support/organizations.ts';

const DAY_MS = 24 * 60 * 60_000;
const MEMBERSHIPS = '/user_management/organization_memberships';
const SCOPES = ['workspace:read', 'tasks:write'];
const scopes = [
  {
    group: 'Workspace',
    scopes: [
      { name: 'workspace:read', description: 'Read the workspace' },
      { name: 'audit:read', description: 'Read the log' },
      { name: 'tasks:write:own', description: 'Write own tasks' },
      { name: 'tasks:write', description: 'Write tasks', implies: ['tasks:write:own'] },
    ],
  },
];
const sets = [
  { name: 'auditor', description: 'Read the log', scopes: ['workspace:read', 'audit:read'] },
  { name: 'read_only', description: 'Read', scopes: ['workspace:read'] },
  { name: 'full_access', description: 'All', scopes: ['workspace:read', 'tasks:write:own', 'tasks:write'] },
];
const product = { scopes, permission_sets: sets, never_granted: [] };
const service = await startService({}, { product });
// As in a service that has recorded scopes for a year.
const recorded = (at: Service) =>
  at.db('scope_use_recording').update({ began_at: new Date(at.clock().getTime() - 365 * DAY_MS) });
await recorded(service);

const review = async (acme: Organization, query = '', at: Pick<Service, 'url'> = service): Promise<Answer> =>
  call(at, 'GET', `/v1/access-review${query}`, { token: await acme.session() });

/** Uses a key once, as a service that names the scopes that it needs. */
async function use(key: CreatedKey, needed: readonly string[], at: Service = service): Promise<void> {
  const answer = await verifyKey(at, { key: key.value, scopes: needed });
  expect(answer.body['valid']).toBe(true);
  await at.background.runOnce('flush_usage');
}

/** Findings by the label of the key. */
async function findingsOf(acme: Organization, query = '', at: Pick<Service, 'url'> = service) {
  const { body } = await review(acme, query, at);
  return Object.fromEntries(body.data.map(({ label, findings }) => [label, findings]));
}

const inAYear = () => new Date(service.clock().getTime() + 365 * DAY_MS).toISOString();
const make = async (acme: Organization, label: string, more: object = {}) =>
  createKey(service, await acme.session(), { label, expires_at: inAYear(), permission_set: 'full_access', ...more });

describe('GET /v1/access-review', () => {
  test('finds keys without an expiry', async () => {
    const acme = await service.organizations.add();
    await make(acme, 'with an expiry');
    const key = await make(acme, 'for ever', { expires_at: undefined });
    const answer = await review(acme);
    expect(outcome(answer)).toEqual([200, undefined]);
    expect(answer.body.data).toEqual([
      {
        id: key.id,
        label: 'for ever',
        prefix: key.prefix,
        permission_set: 'full_access',
        scopes: ['workspace:read', 'tasks:write:own', 'tasks:write'],
        environment: 'live',
        owner: { type: 'organization', id: acme.id },
        status: 'active',
        created_by: { kind: 'user', id: acme.userId('owner'), name: null },
        created_at: expect.any(String),
        expires_at: null,
        last_used_at: null,
        findings: ['never_expires'],
        used_scopes: null,
        unused_scopes: [],
      },
    ]);
  });

  test('finds keys that were not used for 90 days, and none that was', async () => {
    const acme = await service.organizations.add();
    await make(acme, 'never used');
    const used = await make(acme, 'used');
    service.clock.advance(60 * DAY_MS);
    await use(used, []);
    expect(await findingsOf(acme)).toEqual({});
    service.clock.advance(31 * DAY_MS);
    expect(await findingsOf(acme)).toEqual({ 'never used': ['unused'] });
    service.clock.advance(60 * DAY_MS);
    expect(await findingsOf(acme)).toEqual({ used: ['unused'], 'never used': ['unused'] });
  });

  test('finds scopes that no use of the last 90 days required; scopes that a used one implies are no finding', async () => {
    const acme = await service.organizations.add();
    const [reader, writer, silent] = [
      await make(acme, 'reads'),
      await make(acme, 'writes'),
      await make(acme, 'silent'),
    ];
    await use(reader, SCOPES);
    service.clock.advance(100 * DAY_MS);
    await use(reader, ['workspace:read']);
    await use(writer, ['workspace:read', 'tasks:write']);
    await use(silent, []);
    const { body } = await review(acme);
    expect(body.data).toMatchObject([
      {
        label: 'reads',
        findings: ['unused_scopes'],
        used_scopes: ['workspace:read'],
        unused_scopes: ['tasks:write:own', 'tasks:write'],
      },
    ]);
  });

  test('says nothing of the scopes of a key that is younger than 90 days', async () => {
    const acme = await service.organizations.add();
    const key = await make(acme, 'young');
    await use(key, ['workspace:read']);
    expect(await findingsOf(acme)).toEqual({});
  });

  test('counts no scope of a use that was refused', async () => {
    const acme = await service.organizations.add();
    const key = await make(acme, 'refused', { permission_set: 'read_only' });
    await verifyKey(service, { key: key.value, scopes: ['tasks:write'] });
    await service.background.runOnce('flush_usage');
    expect(await service.db('key_scope_uses').where({ key_id: key.id })).toEqual([]);
  });

  test('keeps a scope for 100 days after its last use', async () => {
    const acme = await service.organizations.add();
    const key = await make(acme, 'swept');
    await use(key, SCOPES);
    const kept = () => service.db('key_scope_uses').where({ key_id: key.id }).pluck('scope');
    service.clock.advance(99 * DAY_MS);
    await service.background.runOnce('sweep_key_scope_uses');
    expect(new Set(await kept())).toEqual(new Set(SCOPES));
    service.clock.advance(3 * DAY_MS);
    await service.background.runOnce('sweep_key_scope_uses');
    expect(await kept()).toEqual([]);
  });

  test("counts the scopes of Latchkey's own routes", async () => {
    const acme = await service.organizations.add();
    const key = await make(acme, 'calls Latchkey', { permission_set: 'auditor' });
    const answer = await call(service, 'GET', '/v1/audit-events', { token: key.value });
    expect(answer.status).toBe(200);
    await service.background.runOnce('flush_usage');
    expect(await service.db('key_scope_uses').where({ key_id: key.id }).pluck('scope')).toEqual(['audit:read']);
  });

  test('takes scopes that a service reports', async () => {
    const acme = await service.organizations.add();
    const key = await make(acme, 'reported');
    service.clock.advance(100 * DAY_MS);
    const uses = [
      {
        id: key.id,
        organization_id: acme.id,
        code: 'valid',
        count: 3,
        last_used_at: service.clock().toISOString(),
        scopes: ['tasks:write', 'no:such:scope'],
      },
    ];
    const answer = await call(service, 'POST', '/v1/usage', { token: 'svc_latchkey_tests', body: { uses } });
    expect(answer.status).toBe(202);
    await service.background.runOnce('flush_usage');
    expect((await review(acme)).body.data).toMatchObject([
      { used_scopes: ['tasks:write'], unused_scopes: ['workspace:read'] },
    ]);
  });

  test('finds keys whose creator is no longer a member, until they are one again', async () => {
    const acme = await service.organizations.add();
    await make(acme, "the owner's");
    const operator = await acme.session('operator');
    await createKey(service, operator, { label: "the operator's", expires_at: inAYear() });
    expect(await findingsOf(acme)).toEqual({});
    const { data } = await atWorkos<{ data: { id: string }[] }>(
      service,
      'GET',
      `${MEMBERSHIPS}?user_id=${acme.userId('operator')}&organization_id=${acme.id}`,
    );
    await atWorkos(service, 'PUT', `${MEMBERSHIPS}/${data[0]!.id}/deactivate`);
    await service.background.runOnce('events');
    expect(await findingsOf(acme)).toEqual({ "the operator's": ['creator_left'] });
    service.clock.advance(1_000);
    await atWorkos(service, 'PUT', `${MEMBERSHIPS}/${data[0]!.id}/reactivate`);
    await service.background.runOnce('events');
    expect(await findingsOf(acme)).toEqual({});
  });

  test('lists a suspended key, which may be resumed', async () => {
    const acme = await service.organizations.add();
    const key = await make(acme, 'suspended', { expires_at: undefined });
    await call(service, 'POST', `/v1/api-keys/${key.id}/suspend`, { token: await acme.session(), body: {} });
    expect((await review(acme)).body.data).toMatchObject([{ label: 'suspended', status: 'suspended' }]);
  });

  test('lists no revoked or expired key, none of a CI job, and none of another organization', async () => {
    const [acme, other] = [await service.organizations.add(), await service.organizations.add()];
    const revoked = await make(acme, 'revoked', { expires_at: undefined });
    await call(service, 'DELETE', `/v1/api-keys/${revoked.id}`, { token: await acme.session() });
    const ofCi = await make(acme, 'of CI', { expires_at: undefined });
    await service.db('api_keys').where({ workos_id: ofCi.id }).update({ origin: 'ci' });
    await make(other, 'of another', { expires_at: undefined });
    expect(await findingsOf(acme)).toEqual({});
    expect(await findingsOf(other)).toEqual({ 'of another': ['never_expires'] });
  });

  test('narrows by finding', async () => {
    const acme = await service.organizations.add();
    await make(acme, 'old');
    service.clock.advance(91 * DAY_MS);
    await make(acme, 'for ever', { expires_at: undefined });
    expect(Object.keys(await findingsOf(acme, '?finding=unused'))).toEqual(['old']);
    expect(Object.keys(await findingsOf(acme, '?finding=never_expires'))).toEqual(['for ever']);
    expect(Object.keys(await findingsOf(acme, '?finding=never_expires,unused'))).toEqual(['for ever', 'old']);
    expect(outcome(await review(acme, '?finding=evil'))).toEqual([400, 'validation_error']);
  });

  test('comes in pages, forwards and backwards, with the same keys as in one', async () => {
    const acme = await service.organizations.add();
    const labels = ['a', 'b', 'c', 'd', 'e'];
    for (const label of labels) await make(acme, label, { expires_at: undefined });
    const newestFirst = labels.toReversed();
    const seen: unknown[] = [];
    let after: string | null = '';
    while (after !== null) {
      const { body } = await review(acme, `?limit=2${after && `&after=${after}`}`);
      seen.push(...body.data.map(({ label }) => label));
      after = body.list_metadata.after;
    }
    expect(seen).toEqual(newestFirst);
    const all = (await review(acme)).body.data;
    const back = await review(acme, `?limit=2&before=${String(all[4]!['id'])}`);
    expect(back.body.data.map(({ label }) => label)).toEqual(['c', 'b']);
  });

  test('refuses the cursor of another organization', async () => {
    const [acme, other] = [await service.organizations.add(), await service.organizations.add()];
    const foreign = await make(other, 'foreign');
    expect(outcome(await review(acme, `?after=${foreign.id}`))).toEqual([400, 'validation_error']);
  });

  test('claims no unused scope before scopes were recorded for 90 days', async () => {
    const young = await startService({}, { product });
    const acme = await young.organizations.add();
    const key = await createKey(young, await acme.session(), { label: 'old', permission_set: 'full_access' });
    await young.db('api_keys').update({ created_at: new Date(young.clock().getTime() - 200 * DAY_MS) });
    await use(key, ['workspace:read'], young);
    const { body } = await review(acme, '', young);
    expect(body.data).toMatchObject([
      { findings: ['never_expires'], used_scopes: ['workspace:read'], unused_scopes: [] },
    ]);
    expect(Date.parse(String(body['scopes_recorded_since']))).toBeGreaterThan(Date.parse(String(body['unused_since'])));
    await recorded(young);
    expect(await findingsOf(acme, '', young)).toEqual({ old: ['never_expires', 'unused_scopes'] });
  });
});

describe('GET /v1/access-review/export', () => {
  test('has the same keys as CSV, and runs no formula', async () => {
    const acme = await service.organizations.add();
    await make(acme, '=cmd()', { expires_at: undefined });
    const key = await make(acme, 'a, "quoted" label', { expires_at: undefined });
    const answer = await call(service, 'GET', '/v1/access-review/export', { token: await acme.session() });
    expect(answer.headers.get('content-type')).toContain('text/csv');
    const [names, ...rows] = parseCsv((answer.body as unknown as { csv: string }).csv);
    expect(names).toContain('unused_scopes');
    const at = (row: readonly string[], name: string) => row[names!.indexOf(name)];
    expect(rows.map((row) => [at(row, 'label'), at(row, 'findings')])).toEqual([
      ['a, "quoted" label', 'never_expires'],
      ["'=cmd()", 'never_expires'],
    ]);
    expect(at(rows[0]!, 'id')).toBe(key.id);
  });
});
