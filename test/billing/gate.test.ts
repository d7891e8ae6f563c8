import { describe, expect, test } from 'vitest';
import { call, createKey, outcome, requestKey } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';

const service = await startService();

const MINUTE_MS = 60_000;
const WANTED = { label: 'a key', permission_set: 'read_only' };
const inMinutes = (minutes: number) => new Date(service.clock().getTime() + minutes * MINUTE_MS);
const organization = async (token: string) => (await call(service, 'GET', '/v1/organization', { token })).body;

describe('POST /v1/api-keys', () => {
  test.each([
    ['active', { status: 'active' }, 'active'],
    ['active with a trial long over', { status: 'active', trialEndsAt: inMinutes(-60) }, 'active'],
    ['in a running trial', { status: 'trial', trialEndsAt: inMinutes(60) }, 'trial'],
  ] as const)('creates a key for an organization that is %s', async (_what, billing, posture) => {
    const acme = await service.organizations.add(billing);
    const owner = await acme.session();
    await createKey(service, owner);
    expect(await organization(owner)).toMatchObject({
      posture,
      allowed: ['read', 'create', 'wind_down'],
      usage: { api_keys: 1 },
    });
  });

  test('returns 423 billing_inactive when the trial has expired by the clock, without a write', async () => {
    const acme = await service.organizations.add({ status: 'trial', trialEndsAt: inMinutes(1) });
    const before = await service.db('tenants').where({ organization_id: acme.id }).first();
    expect((await requestKey(service, await acme.session())).status).toBe(201);
    service.clock.advance(MINUTE_MS);
    const owner = await acme.session();
    const refused = await requestKey(service, owner);
    expect(outcome(refused)).toEqual([423, 'billing_inactive']);
    expect(refused.body.error.details).toEqual({ posture: 'trial_expired' });
    expect(await organization(owner)).toMatchObject({ posture: 'trial_expired', billing_status: 'trial' });
    expect(await service.db('tenants').where({ organization_id: acme.id }).first()).toEqual(before);
  });

  test.each([
    ['broken JSON', { body: '{"label":' }],
    ['a body of the wrong shape', { body: {} }],
    ['no body', {}],
    ['another content type', { body: 'label=a', headers: { 'content-type': 'text/plain' } }],
    ['a query that it does not take', { body: WANTED, query: '?x=1' }],
  ])('returns 423 while past_due, before what was sent is judged: %s', async (_what, { query = '', ...sent }: Sent) => {
    const acme = await service.organizations.add({ status: 'past_due' });
    const token = await acme.session();
    const answer = await call(service, 'POST', `/v1/api-keys${query}`, { token, ...sent });
    expect(outcome(answer)).toEqual([423, 'billing_inactive']);
  });

  test('checks the credential and its scopes before billing', async () => {
    const acme = await service.organizations.add({ status: 'past_due' });
    const send = (token?: string, query = '') =>
      call(service, 'POST', `/v1/api-keys${query}`, { ...(token !== undefined && { token }), body: '{broken' });
    expect(outcome(await send())).toEqual([401, 'credential_missing']);
    expect(outcome(await send('eyJ.broken'))).toEqual([401, 'credential_invalid']);
    expect(outcome(await send(await acme.session('owner', { exp: 1 })))).toEqual([401, 'credential_expired']);
    expect(outcome(await send(await acme.session('member')))).toEqual([403, 'permission_denied']);
    expect(outcome(await send(await acme.session(), '?organization_id=org_other'))).toEqual([403, 'permission_denied']);
    expect(outcome(await send(await acme.session(), `?organization_id=${acme.id}`))).toEqual([423, 'billing_inactive']);
  });
});

describe('tenant routes', () => {
  test.each([
    ['past_due', { status: 'past_due' }, 'past_due'],
    ['past_due in a running trial', { status: 'past_due', trialEndsAt: inMinutes(60) }, 'past_due'],
    ['decommissioning', { status: 'decommissioning' }, 'decommissioning'],
    ['in a trial that is over', { status: 'trial', trialEndsAt: inMinutes(-1) }, 'trial_expired'],
    ['not known to billing', null, 'unknown'],
  ] as const)(
    'let an organization that is %s read and wind down, and create nothing',
    async (_what, billing, posture) => {
      const acme = await service.organizations.add(billing);
      for (const token of [await acme.session('owner'), await acme.machineToken('apikeys:write audit:read')]) {
        const refused = await requestKey(service, token);
        expect(outcome(refused)).toEqual([423, 'billing_inactive']);
        expect(refused.body.error.details).toEqual({ posture });
        const change = await call(service, 'PATCH', '/v1/api-keys/api_key_x', { token, body: { label: 'x' } });
        expect(outcome(change)).toEqual([423, 'billing_inactive']);
        for (const path of ['/v1/api-keys', '/v1/permission-sets', '/v1/api-keys/permissions', '/v1/audit-events']) {
          expect(outcome(await call(service, 'GET', path, { token }))).toEqual([200, undefined]);
        }
        expect(await organization(token)).toMatchObject({ posture, allowed: ['read', 'wind_down'] });
        expect(outcome(await call(service, 'GET', '/v1/me/session', { token }))).toEqual([200, undefined]);
        expect(outcome(await call(service, 'DELETE', '/v1/api-keys/api_key_x', { token }))).toEqual([
          404,
          'api_key_not_found',
        ]);
      }
      expect(await keysAtWorkos(service, acme.id)).toEqual([]);
    },
  );
});

describe('GET /v1/organization', () => {
  test('shows the posture unknown for an organization without a statement', async () => {
    const acme = await service.organizations.add(null);
    expect(await organization(await acme.session('member'))).toEqual({
      id: acme.id,
      name: null,
      posture: 'unknown',
      allowed: ['read', 'wind_down'],
      billing_status: null,
      status_since: null,
      billing_occurred_at: null,
      trial_ends_at: null,
      changes_at: null,
      decommission_at: null,
      decommissioning: null,
      plan: 'standard',
      limits: {
        api_keys: 10,
        ci_api_keys: 100,
        rate_limit: null,
        concurrency: null,
        organization_rate_limit: null,
        permission_sets: ['full_access', 'submit_observe', 'read_only'],
        max_expiry_days: null,
      },
      usage: { api_keys: 0, ci_api_keys: 0 },
    });
  });
});

describe('GET /v1/audit-events with an API key', () => {
  test('accepts an existing key in every posture', async () => {
    const acme = await service.organizations.add();
    const key = await createKey(service, await acme.session(), { permission_set: 'full_access' });
    for (const status of ['past_due', 'decommissioning']) {
      await service.db('tenants').where({ organization_id: acme.id }).update({ billing_status: status });
      const answer = await call(service, 'GET', '/v1/audit-events', { token: key.value });
      expect(outcome(answer)).toEqual([200, undefined]);
    }
  });
});

type Sent = { body?: unknown; headers?: Record<string, string>; query?: string };

describe('GET /v1/me/session', () => {
  test('shows a user the billing of each of their organizations', async () => {
    service.workos.behave({ organization_names: true });
    const acme = await service.organizations.add({ status: 'trial', trialEndsAt: inMinutes(-1) });
    const other = await service.organizations.add(null);
    service.workos.seed({ memberships: [{ userId: acme.userId('owner'), organizationId: other.id, role: 'member' }] });
    const { body } = await call(service, 'GET', '/v1/me/session', { token: await acme.session('owner') });
    const memberships = body['memberships'] as { organization_id: string }[];
    expect(memberships.toSorted((a, b) => a.organization_id.localeCompare(b.organization_id))).toEqual(
      [
        { id: acme, role: 'owner', billing: { status: 'trial', posture: 'trial_expired' } },
        { id: other, role: 'member', billing: { status: null, posture: 'unknown' } },
      ]
        .map(({ id: { id, name }, ...rest }) => ({ organization_id: id, organization_name: name, ...rest }))
        .toSorted((a, b) => a.organization_id.localeCompare(b.organization_id)),
    );
  });
});
