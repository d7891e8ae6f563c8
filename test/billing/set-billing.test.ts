import { describe, expect, test } from 'vitest';
import { call, createKey, outcome, requestKey } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const TOMORROW = new Date(Date.now() + 86_400_000).toISOString();
const service = await startService();

const put = (id: string, body: unknown, token = SERVICE_TOKEN) =>
  call(service, 'PUT', `/v1/organizations/${id}/billing`, { token, body });
const eventsOf = (organizationId: string) =>
  service
    .db('audit_events')
    .where({ organization_id: organizationId, action: 'organization.billing_changed' })
    .orderBy('sequence')
    .select('actor_kind', 'actor_id', 'target_kind', 'target_id', 'request_id', 'details');

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

describe('PUT /v1/organizations/{id}/billing', () => {
  test('returns 200 and creates the tenant of a new organization', async () => {
    const acme = await service.organizations.add(null);
    const answer = await put(acme.id, { status: 'active' });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      id: acme.id,
      name: null,
      posture: 'active',
      allowed: ['read', 'create', 'wind_down'],
      billing_status: 'active',
      status_since: expect.stringMatching(/Z$/),
      billing_occurred_at: expect.stringMatching(/Z$/),
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
      billing_reason: null,
      created_at: expect.stringMatching(/Z$/),
      deleted_at: null,
    });
    await createKey(service, await acme.session());
  });

  test('allows creation after a payment, and refuses it when the payment is overdue', async () => {
    const acme = await service.organizations.add({ status: 'past_due' });
    const owner = await acme.session();
    expect(outcome(await requestKey(service, owner))).toEqual([423, 'billing_inactive']);
    await put(acme.id, { status: 'active' });
    expect(outcome(await requestKey(service, owner))).toEqual([201, undefined]);
    expect((await put(acme.id, { status: 'decommissioning' })).body).toMatchObject({ posture: 'decommissioning' });
    expect(outcome(await requestKey(service, owner))).toEqual([423, 'billing_inactive']);
  });

  test('keeps a plan that is not named, and changes one that is', async () => {
    const acme = await service.organizations.add();
    expect((await put(acme.id, { status: 'active', plan: 'scale' })).body).toMatchObject({
      plan: 'scale',
      limits: { api_keys: 100 },
    });
    expect((await put(acme.id, { status: 'past_due' })).body).toMatchObject({ plan: 'scale', posture: 'past_due' });
    expect((await put(acme.id, { status: 'active', plan: 'standard' })).body).toMatchObject({ plan: 'standard' });
  });

  test('counts a plan that is no longer configured as the default one', async () => {
    const acme = await service.organizations.add({ status: 'active', plan: 'withdrawn' });
    const { body } = await call(service, 'GET', '/v1/organization', { token: await acme.session() });
    expect(body).toMatchObject({ plan: 'standard', limits: { api_keys: 10 } });
  });

  test('takes the end of a trial with any offset, and forgets it when the trial is over', async () => {
    const acme = await service.organizations.add(null);
    const trial = await put(acme.id, { status: 'trial', trial_ends_at: '2999-06-01T02:00:00+02:00' });
    expect(trial.body).toMatchObject({ posture: 'trial', trial_ends_at: '2999-06-01T00:00:00.000Z' });
    expect((await put(acme.id, { status: 'active' })).body).toMatchObject({ trial_ends_at: null });
  });

  test.each(['2020-01-01T00:00:00Z', '0001-01-01T00:00:00Z'])('a trial that ended at %s is over', async (time) => {
    const acme = await service.organizations.add(null);
    const { body } = await put(acme.id, { status: 'trial', trial_ends_at: time });
    expect(body).toMatchObject({ posture: 'trial_expired', billing_status: 'trial' });
    expect(Date.parse(String(body['trial_ends_at']))).toBe(Date.parse(time));
  });

  test('records who changed what, once for each change', async () => {
    const acme = await service.organizations.add(null);
    const first = await put(acme.id, { status: 'active' });
    const second = await put(acme.id, { status: 'past_due', plan: 'scale' });
    await put(acme.id, { status: 'past_due', plan: 'scale' });
    await put(acme.id, { status: 'past_due' });
    const active = { status: 'active', trial_ends_at: null, plan: null };
    const common = {
      actor_kind: 'service',
      actor_id: expect.stringMatching(/^service_[0-9a-f]{12}$/),
      target_kind: 'organization',
      target_id: acme.id,
    };
    expect(await eventsOf(acme.id)).toEqual([
      { ...common, request_id: first.headers.get('x-request-id'), details: { before: null, after: active } },
      {
        ...common,
        request_id: second.headers.get('x-request-id'),
        details: { before: active, after: { status: 'past_due', trial_ends_at: null, plan: 'scale' } },
      },
    ]);
  });

  test.each([
    ['no body', undefined, 'body'],
    ['no status', {}, 'status'],
    ['an unknown status', { status: 'paused' }, 'status'],
    ['a posture that is no status', { status: 'trial_expired' }, 'status'],
    ['a trial without an end', { status: 'trial' }, 'trial_ends_at'],
    ['a trial that ends at null', { status: 'trial', trial_ends_at: null }, 'trial_ends_at'],
    ['an end that is no time', { status: 'trial', trial_ends_at: 'soon' }, 'trial_ends_at'],
    ['an end beyond year 9999', { status: 'trial', trial_ends_at: '9999-12-31T23:59:59-01:00' }, 'trial_ends_at'],
    ['an end before year 1', { status: 'trial', trial_ends_at: '0001-01-01T00:00:00+01:00' }, 'trial_ends_at'],
    ['an unknown plan', { status: 'active', plan: 'gold' }, 'plan'],
    ['an unknown field', { status: 'active', keys: 1_000 }, 'keys'],
    ['a limit below 0', { status: 'active', key_limit: -1 }, 'key_limit'],
    ['a time to decommission somebody who stays', { status: 'active', decommission_at: TOMORROW }, 'decommission_at'],
    ['a moment that is none', { status: 'active', occurred_at: 'yesterday' }, 'occurred_at'],
    ['what has not happened yet', { status: 'active', occurred_at: TOMORROW }, 'occurred_at'],
    ['a reason without a word', { status: 'active', reason: ' ' }, 'reason'],
  ])('refuses %s with 400 and changes nothing', async (_what, body, field) => {
    const acme = await service.organizations.add(null);
    const answer = await put(acme.id, body);
    expect(outcome(answer)).toEqual([400, 'validation_error']);
    expect(Object.keys(answer.body.error.details?.['fields'] as object)).toEqual([field]);
    expect(await service.db('tenants').where({ organization_id: acme.id })).toEqual([]);
  });

  test.each(['acme', 'org_', 'user_x', 'org_%00', `org_${'x'.repeat(61)}`, 'org_x%2f..', 'org_%F0%9F%92%A5', '%20'])(
    'returns 404 for the organization %s',
    async (id) => {
      expect(outcome(await put(id, { status: 'active' }))).toEqual([404, 'organization_not_found']);
    },
  );

  test('applies concurrent changes one after the other', async () => {
    const acme = await service.organizations.add(null);
    const statuses = ['active', 'past_due', 'decommissioning', 'active', 'past_due', 'decommissioning'];
    const answers = await Promise.all(statuses.map((status) => put(acme.id, { status })));
    expect(answers.map(({ status, body }) => [status, body['billing_status']])).toEqual(
      statuses.map((status) => [200, status]),
    );
    const { billing_status: last } = await service.db('tenants').where({ organization_id: acme.id }).first();
    const events = (await eventsOf(acme.id)) as { details: { after: { status: string } } }[];
    expect(events.at(-1)?.details.after.status).toBe(last);
  });

  test('ignores a statement that happened earlier, and one that is repeated', async () => {
    const acme = await service.organizations.add(null);
    await put(acme.id, { status: 'active', occurred_at: at(10) });
    const late = await put(acme.id, { status: 'past_due', occurred_at: at(9) });
    expect(late.body).toMatchObject({ posture: 'active', billing_occurred_at: at(10) });
    expect((await put(acme.id, { status: 'past_due', occurred_at: at(11) })).body).toMatchObject({
      posture: 'past_due',
    });
    await put(acme.id, { status: 'past_due', occurred_at: at(20) });
    expect((await put(acme.id, { status: 'active', occurred_at: at(15) })).body).toMatchObject({ posture: 'past_due' });
  });

  test('orders plan and limit separately: a late plan counts although the limit was stated since', async () => {
    const acme = await service.organizations.add(null);
    await put(acme.id, { status: 'active', occurred_at: at(10) });
    const late = await put(acme.id, { status: 'past_due', plan: 'scale', key_limit: 7, occurred_at: at(5) });
    expect(late.body).toMatchObject({ posture: 'active', plan: 'scale', limits: { api_keys: 7 } });
    const later = await put(acme.id, { status: 'active', plan: 'standard', key_limit: null, occurred_at: at(4) });
    expect(later.body).toMatchObject({ plan: 'scale', limits: { api_keys: 7 }, billing_occurred_at: at(10) });
  });

  test('applies a statement without a time, however far ahead the clock of an earlier one was', async () => {
    const acme = await service.organizations.add(null);
    const ahead = service.clock().getTime() + 5_000;
    const occurred_at = new Date(ahead).toISOString();
    await put(acme.id, { status: 'past_due', plan: 'scale', key_limit: 1, occurred_at });
    const paid = await put(acme.id, { status: 'active', plan: 'standard', key_limit: null });
    expect(paid.body).toMatchObject({ posture: 'active', plan: 'standard', limits: { api_keys: 10 } });
    expect(paid.body).toMatchObject({ billing_occurred_at: new Date(ahead + 1).toISOString() });
  });

  test('sets a key limit of the organization, until null removes it', async () => {
    const acme = await service.organizations.add(null);
    expect((await put(acme.id, { status: 'active', key_limit: 1 })).body).toMatchObject({ limits: { api_keys: 1 } });
    const owner = await acme.session();
    await createKey(service, owner);
    expect(outcome(await requestKey(service, owner))).toEqual([409, 'key_limit_reached']);
    expect((await put(acme.id, { status: 'active' })).body).toMatchObject({ limits: { api_keys: 1 } });
    expect((await put(acme.id, { status: 'active', key_limit: null })).body).toMatchObject({
      limits: { api_keys: 10 },
    });
  });

  test('ends a decommissioning when the organization is active again', async () => {
    const acme = await service.organizations.add(null);
    const closing = await put(acme.id, { status: 'decommissioning', decommission_at: TOMORROW, reason: 'They asked.' });
    expect(closing.body).toMatchObject({ decommission_at: TOMORROW });
    expect((await put(acme.id, { status: 'decommissioning' })).body).toMatchObject({ decommission_at: TOMORROW });
    expect((await put(acme.id, { status: 'active' })).body).toMatchObject({ decommission_at: null });
  });
});
