import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { addKeys } from '../support/many-keys.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';

const DAY_MS = 86_400_000;
const READER = 'svc_reads_billing_only';
const VERIFIER = 'svc_verifies_keys_only';
const service = await startService(
  { LATCHKEY_SERVICE_TOKENS: `${SERVICE_TOKEN},${READER}:billing:read,${VERIFIER}:apikeys:verify` },
  {
    plans: [
      {
        name: 'small',
        key_limit: 3,
        rate_limit: { limit: 5, window_seconds: 1 },
        concurrency: 2,
        organization_rate_limit: { limit: 50, window_seconds: 10 },
        allowed_permission_sets: ['read_only'],
        max_expiry_days: 30,
      },
    ],
    billing: { grace_days: { past_due: 3 } },
  },
);
const { clock, db, background } = service;

const get = (path: string, token = SERVICE_TOKEN) => call(service, 'GET', path, { token });
const put = (id: string, body: object) =>
  call(service, 'PUT', `/v1/organizations/${id}/billing`, { token: SERVICE_TOKEN, body });
const inDays = (days: number) => new Date(clock().getTime() + days * DAY_MS).toISOString();
const idsOf = async (query: string) => (await get(`/v1/organizations?${query}`)).body.data.map(({ id }) => String(id));

describe('GET /v1/organizations', () => {
  test('shows billing, plan, limits and usage', async () => {
    const acme = await service.organizations.add(null);
    await db('tenants').insert({ organization_id: acme.id, name: 'Acme', created_at: clock(), updated_at: clock() });
    await put(acme.id, { status: 'active', plan: 'small', key_limit: 4, occurred_at: '2026-01-01T00:00:00Z' });
    await put(acme.id, { status: 'past_due', occurred_at: inDays(-1), reason: 'The card was declined.' });
    await db('api_keys').where({ organization_id: acme.id });
    const { status, body } = await get(`/v1/organizations/${acme.id}`);
    expect(status).toBe(200);
    expect(body).toEqual({
      id: acme.id,
      name: 'Acme',
      posture: 'grace',
      allowed: ['read', 'create', 'wind_down'],
      billing_status: 'past_due',
      status_since: body['billing_occurred_at'],
      billing_occurred_at: expect.stringMatching(/Z$/),
      billing_reason: 'The card was declined.',
      trial_ends_at: null,
      changes_at: new Date(Date.parse(String(body['billing_occurred_at'])) + 3 * DAY_MS).toISOString(),
      decommission_at: null,
      decommissioning: null,
      plan: 'small',
      limits: {
        api_keys: 4,
        ci_api_keys: 100,
        rate_limit: { limit: 5, window_seconds: 1 },
        concurrency: 2,
        organization_rate_limit: { limit: 50, window_seconds: 10 },
        permission_sets: ['read_only'],
        max_expiry_days: 30,
      },
      usage: { api_keys: 0, ci_api_keys: 0 },
      created_at: expect.stringMatching(/Z$/),
      deleted_at: null,
    });
  });

  test('hides the reason of billing and the times of the row from users', async () => {
    const acme = await service.organizations.add();
    await put(acme.id, { status: 'past_due', reason: 'They are in court with us.' });
    const full = (await get(`/v1/organizations/${acme.id}`)).body;
    const own = await get('/v1/organization', await acme.session('member'));
    const { billing_reason: reason, created_at: _created, deleted_at: _deleted, ...seen } = full;
    expect(reason).toBe('They are in court with us.');
    expect(own.body).toEqual(seen);
  });

  test('shows the progress of a decommissioning', async () => {
    const acme = await service.organizations.add();
    await addKeys(service, acme.id, 3);
    const shown = async () => (await get(`/v1/organizations/${acme.id}`)).body['decommissioning'];
    const at = inDays(1);
    await put(acme.id, { status: 'decommissioning', decommission_at: at });
    expect(await shown()).toEqual({ at, keys_left: 3, keys_left_at_workos: 3, done_at: null });
    clock.advance(DAY_MS);
    await background.runOnce('decommission');
    const done = { at, keys_left: 0, done_at: expect.stringMatching(/Z$/) };
    expect(await shown()).toEqual({ ...done, keys_left_at_workos: 3 });
    clock.advance(60_000);
    await background.runOnce('settle');
    expect(await shown()).toEqual({ ...done, keys_left_at_workos: 0 });
  });

  test.each(['org_nobody', 'org_', 'acme', 'org_%00', `org_${'x'.repeat(61)}`, 'org_%F0%9F%92%A5'])(
    'returns 404 for the organization %s',
    async (id) => {
      expect(outcome(await get(`/v1/organizations/${id}`))).toEqual([404, 'organization_not_found']);
    },
  );

  test.each([
    ['with billing:read', READER, 200],
    ['with billing:write', SERVICE_TOKEN, 200],
    ['without either', VERIFIER, 403],
  ])('a service %s: %s %i', async (_what, token, status) => {
    const acme = await service.organizations.add();
    for (const path of ['/v1/organizations', `/v1/organizations/${acme.id}`])
      expect((await get(path, token)).status).toBe(status);
  });

  describe('the list', () => {
    test('pages newest first, forwards and backwards, without a gap', async () => {
      const all = (await db('tenants').count('* as n').first())?.['n'];
      const seen: string[] = [];
      let page = await get('/v1/organizations?limit=2');
      for (;;) {
        seen.push(...page.body.data.map(({ id }) => String(id)));
        const { after } = page.body.list_metadata;
        if (after === null) break;
        page = await get(`/v1/organizations?limit=2&after=${after}`);
      }
      const inOrder = await db('tenants').orderByRaw('created_at desc, organization_id desc').pluck('organization_id');
      expect(seen).toEqual(inOrder);
      expect(seen).toHaveLength(Number(all));
      expect(await idsOf(`limit=2&before=${inOrder[4]}`)).toEqual(inOrder.slice(2, 4));
      expect(await idsOf(`limit=2&after=${inOrder[1]}`)).toEqual(inOrder.slice(2, 4));
    });

    test("counts each organization's own keys", async () => {
      const [one, two] = [await service.organizations.add(), await service.organizations.add()];
      await createKey(service, await one.session());
      for (let i = 0; i < 2; i++) await createKey(service, await two.session());
      const { data } = (await get('/v1/organizations?limit=100')).body;
      const used = (id: string) => data.find((shown) => shown['id'] === id)?.['usage'];
      expect([used(one.id), used(two.id)]).toMatchObject([{ api_keys: 1 }, { api_keys: 2 }]);
    });

    test('filters by posture at this moment, days of grace included, without a statement', async () => {
      const late = await service.organizations.add();
      await put(late.id, { status: 'past_due' });
      const trial = await service.organizations.add();
      await put(trial.id, { status: 'trial', trial_ends_at: inDays(2) });
      expect(await idsOf('posture=grace&limit=100')).toContain(late.id);
      expect(await idsOf('posture=trial&limit=100')).toContain(trial.id);
      clock.advance(3 * DAY_MS);
      expect(await idsOf('posture=grace&limit=100')).not.toContain(late.id);
      expect(await idsOf('posture=past_due&limit=100')).toContain(late.id);
      expect(await idsOf('posture=trial&limit=100')).not.toContain(trial.id);
      expect(await idsOf('posture=trial_expired&limit=100')).toContain(trial.id);
      expect(await idsOf('status=trial&limit=100')).toContain(trial.id);
    });

    test('filters by trials that end before a time', async () => {
      const [soon, later, paid, gone] = await Promise.all([1, 2, 3, 4].map(() => service.organizations.add()));
      await put(soon!.id, { status: 'trial', trial_ends_at: inDays(1) });
      await put(later!.id, { status: 'trial', trial_ends_at: inDays(9) });
      await put(paid!.id, { status: 'active', trial_ends_at: inDays(1) });
      await put(gone!.id, { status: 'trial', trial_ends_at: inDays(1) });
      await db('tenants').where({ organization_id: gone!.id }).update({ deleted_at: clock() });
      const before = `trial_ends_before=${encodeURIComponent(inDays(5))}`;
      expect(await idsOf(`${before}&posture=trial`)).toEqual([soon!.id]);
      const found = await idsOf(`${before}&limit=100`);
      expect([soon, later, paid, gone].map((one) => found.includes(one!.id))).toEqual([true, false, false, false]);
    });

    test('counts organizations without a configured plan to the default plan', async () => {
      const [none, gone, small] = await Promise.all([
        service.organizations.add(),
        service.organizations.add({ status: 'active', plan: 'withdrawn' }),
        service.organizations.add({ status: 'active', plan: 'small' }),
      ]);
      const standard = await idsOf('plan=standard&limit=100');
      expect([none, gone, small].map(({ id }) => standard.includes(id))).toEqual([true, true, false]);
      expect(await idsOf('plan=small&limit=100')).toContain(small.id);
    });

    test('finds by part of the name, in which % and _ are only themselves, and by the id', async () => {
      const acme = await service.organizations.add();
      await db('tenants').where({ organization_id: acme.id }).update({ name: 'Initech 100%_pure' });
      expect(await idsOf('q=INITECH')).toEqual([acme.id]);
      expect(await idsOf(`q=${encodeURIComponent('100%_p')}`)).toEqual([acme.id]);
      expect(await idsOf(`q=${encodeURIComponent('1%pure')}`)).toEqual([]);
      expect(await idsOf(`q=${acme.id}`)).toEqual([acme.id]);
      expect(await idsOf(`q=${acme.id.slice(0, -1)}`)).toEqual([]);
    });

    test.each([
      ['an unknown filter', 'name=acme', 'name'],
      ['a posture that is none', 'posture=paused', 'posture'],
      ['a posture twice', 'posture=trial&posture=grace', 'posture'],
      ['a status that is a posture', 'status=grace', 'status'],
      ['a plan that is not there', 'plan=gold', 'plan'],
      ['a time that is none', 'trial_ends_before=soon', 'trial_ends_before'],
      ['a search for nothing', 'q=', 'q'],
      ['a page of none', 'limit=0', 'limit'],
      ['a cursor that is nobody', 'after=org_nobody', 'after'],
      ['two cursors', 'after=org_a&before=org_b', 'before'],
    ])('refuses %s by its field', async (_what, query, field) => {
      const answer = await get(`/v1/organizations?${query}`);
      expect(outcome(answer)).toEqual([400, 'validation_error']);
      expect(Object.keys(answer.body.error.details?.['fields'] as object)).toEqual([field]);
    });
  });

  test('finds the few organizations of a filter among thousands, in both directions', async () => {
    await db.raw(
      `insert into tenants (organization_id, name, created_at, updated_at)
     select 'org_many' || lpad(i::text, 4, '0'), case when i in (1, 1500, 2499) then 'Wanted ' else 'Other ' end || i,
       now() - interval '1 year' - (2500 - i) * interval '1 second', now()
     from generate_series(1, 2500) i`,
    );
    const wanted = ['org_many2499', 'org_many1500', 'org_many0001'];
    expect(await idsOf('q=wanted')).toEqual(wanted);
    expect(await idsOf('q=wanted&limit=1')).toEqual(wanted.slice(0, 1));
    expect(await idsOf(`q=wanted&limit=1&after=${wanted[0]}`)).toEqual(wanted.slice(1, 2));
    expect(await idsOf(`q=wanted&limit=2&after=${wanted[0]}`)).toEqual(wanted.slice(1));
    expect(await idsOf(`q=wanted&before=${wanted[2]}`)).toEqual(wanted.slice(0, 2));
    expect(await idsOf('q=absent')).toEqual([]);
  });
});
