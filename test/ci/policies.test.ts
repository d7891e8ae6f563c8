import { describe, expect, test } from 'vitest';
import { call, outcome } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { createPolicy, exchange, jobToken, policyBody } from './ci.ts';

const CI = {
  audience: 'https://keys.evershell.example',
  issuers: [
    'github' as const,
    'gitlab' as const,
    'buildkite' as const,
    'circleci' as const,
    { name: 'corp', url: 'https://ci.corp.example', pins: ['project'] },
  ],
};
const service = await startService({}, { product: { ci: CI, chosen_scopes: ['workspace:read', 'tasks:write'] } });
const acme = await service.organizations.add();
const owner = await acme.session();
const PATH = '/v1/ci/policies';

const PIN = (ids: string) => `Pin ${ids} by exact values: names can be given to others, ids cannot.`;
let made = 0;
const create = (body: object = {}, token = owner) =>
  call(service, 'POST', PATH, { token, body: policyBody({ name: `policy ${++made}`, ...body }) });
const fieldsOf = async (answer: Promise<Awaited<ReturnType<typeof create>>>) => {
  const { status, body } = await answer;
  return status === 400 ? body.error.details?.['fields'] : status;
};
const auditOf = async (action: string, id: string) =>
  (await call(service, 'GET', `/v1/audit-events?action=${action}&target_id=${id}`, { token: owner })).body.data;

describe('POST /v1/ci/policies', () => {
  test('returns 201 with the policy and its defaults, and records ci_policy.created', async () => {
    const { status, body } = await create({ name: 'defaults' });
    expect([status, body]).toEqual([
      201,
      {
        id: expect.stringMatching(/^cipol_[0-9A-Z]{26}$/),
        name: 'defaults',
        issuer: 'github',
        issuer_url: service.workos.ciIssuer('github'),
        issuer_organization: null,
        audience: `https://keys.evershell.example/ci/${acme.id}`,
        issue: 'api_key',
        permission_sets: ['submit_observe'],
        scopes: [],
        environments: ['live'],
        max_lifetime_seconds: 3_600,
        max_active_keys: 5,
        when: { repository_id: '987' },
        enabled: true,
        created_by: { kind: 'user', id: acme.userId('owner') },
        created_at: expect.any(String),
        updated_at: expect.any(String),
        last_exchanged_at: null,
      },
    ]);
    expect(await auditOf('ci_policy.created', String(body['id']))).toEqual([
      expect.objectContaining({
        details: expect.objectContaining({ name: 'defaults', when: { repository_id: '987' } }),
      }),
    ]);
  });

  test.each<[string, object, object]>([
    [
      'GitHub without an id',
      { when: { repository: 'acme/app', environment: 'production' } },
      { when: PIN('repository_id') },
    ],
    ['GitHub by sub alone', { when: { sub: 'repo:acme/app:ref:refs/heads/main' } }, { when: PIN('repository_id') }],
    [
      'GitHub by a reusable workflow alone',
      { when: { job_workflow_ref: 'acme/w/.github/workflows/a.yml@main' } },
      { when: PIN('repository_id') },
    ],
    ['GitHub by a glob as an id', { when: { repository_id: { glob: '98*' } } }, { when: PIN('repository_id') }],
    ['GitHub by its owner alone', { when: { repository_owner_id: '12' } }, { when: PIN('repository_id') }],
    ['no condition', { when: {} }, { when: PIN('repository_id') }],
    ['GitLab by its path', { issuer: 'gitlab', when: { project_path: 'acme/app' } }, { when: PIN('project_id') }],
    [
      'GitLab with a ref of either type',
      { issuer: 'gitlab', when: { project_id: 1, ref: 'main' } },
      { 'when.ref': 'Give a condition on ref_type, too.' },
    ],
    [
      'Buildkite without its pipeline',
      { issuer: 'buildkite', when: { organization_id: 'a' } },
      { when: PIN('organization_id and pipeline_id') },
    ],
    [
      'CircleCI without its organization',
      { issuer: 'circleci', when: { 'oidc.circleci.com/project-id': 'p' } },
      { issuer_organization: "Give your organization's id at circleci." },
    ],
    ['an issuer of the operator without its pins', { issuer: 'corp', when: { sub: 'x' } }, { when: PIN('project') }],
    [
      'an organization at GitHub',
      { issuer_organization: '00000000-0000-4000-8000-000000000000' },
      { issuer_organization: 'github has one issuer for all organizations. Leave this out.' },
    ],
    ['nothing to grant', { permission_sets: [] }, { permission_sets: 'Give at least one permission set or scope.' }],
  ])('refuses %s', async (_what, body, fields) => {
    expect(await fieldsOf(create(body))).toEqual(fields);
  });

  test.each<[string, object, string]>([
    ['an issuer that is not allowed', { issuer: 'https://evil.example' }, 'issuer'],
    ['an unknown set', { permission_sets: ['everything'] }, 'permission_sets.0'],
    ['a lifetime of more than a day', { max_lifetime_seconds: 86_401 }, 'max_lifetime_seconds'],
    ['a condition on the audience', { when: { repository_id: '1', aud: 'x' } }, 'when'],
    ['a condition of an unknown kind', { when: { repository_id: '1', ref: { regex: '.*' } } }, 'when.ref'],
    ['a condition on null', { when: { repository_id: null } }, 'when.repository_id'],
    ['a control character in a condition', { when: { repository_id: '1', ref: 'a\u0000' } }, 'when.ref'],
    ['an empty list', { when: { repository_id: [] } }, 'when.repository_id'],
    ['an id of CircleCI that is no UUID', { issuer: 'circleci', issuer_organization: '../..' }, 'issuer_organization'],
    ['an unknown field', { regex: true }, 'regex'],
  ])('refuses %s', async (_what, body, field) => {
    expect(Object.keys((await fieldsOf(create(body))) as object)).toContain(field);
  });

  test('takes CircleCI with an organization, and names its issuer', async () => {
    const issuer_organization = '4f2e8d10-0000-4000-8000-000000000001';
    const answer = await create({
      issuer: 'circleci',
      issuer_organization,
      when: { 'oidc.circleci.com/project-id': 'p' },
    });
    expect(answer.body).toMatchObject({ issuer_url: `${service.workos.url}/_ci/circleci/org/${issuer_organization}` });
  });

  test('refuses a name that is taken in the organization, not one of another', async () => {
    await createPolicy(service, owner, { name: 'taken' });
    expect(await fieldsOf(create({ name: 'taken' }))).toEqual({
      name: 'The organization has a CI policy of this name.',
    });
    const other = await service.organizations.add();
    expect((await create({ name: 'taken' }, await other.session())).status).toBe(201);
  });

  test('refuses the 101st policy', async () => {
    const other = await service.organizations.add();
    const token = await other.session();
    const { body: first } = await create({}, token);
    const [row] = await service.db('ci_policies').where({ id: first['id'] });
    const copies = Array.from({ length: 98 }, (_, i) => ({
      ...row,
      id: `${row.id}${i}`,
      name: `copy ${i}`,
      conditions: JSON.stringify(row.conditions),
    }));
    await service.db('ci_policies').insert(copies);
    expect((await create({}, token)).status).toBe(201);
    expect(await fieldsOf(create({}, token))).toEqual({ name: 'An organization can have at most 100 CI policies.' });
  });

  test('returns 403 for scopes that the caller does not hold, to create and to loosen', async () => {
    const permissions = ['apikeys:write', 'workspace:read'];
    const limited = await acme.session('owner', { permissions });
    const body = { permission_sets: [], scopes: ['tasks:write'] };
    const refused = await create(body, limited);
    expect([refused.status, refused.body.error.details]).toEqual([403, { missing_scopes: ['tasks:write'] }]);
    const all = await acme.session('owner', { permissions: [...permissions, 'tasks:write'] });
    const { body: policy } = await create(body, all);
    const change = { token: limited, body: { when: { repository_id: '1' } } };
    expect(outcome(await call(service, 'PATCH', `${PATH}/${String(policy['id'])}`, change))).toEqual([
      403,
      'permission_denied',
    ]);
  });

  test.each([
    ['apikeys:read', 403],
    ['apikeys:write', 201],
  ])('to a caller with %s returns %i', async (scope, status) => {
    expect((await create({}, await acme.session('owner', { permissions: [scope] }))).status).toBe(status);
    expect((await create({}, await acme.machineToken(scope))).status).toBe(status);
  });
});

describe('GET /v1/ci/policies', () => {
  test('lists the newest first, a page at a time', async () => {
    const other = await service.organizations.add();
    const token = await other.session();
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) {
      ids.unshift(await createPolicy(service, token, { name: `p${i}` }));
      service.clock.advance(1);
    }
    const page = async (query: string) => (await call(service, 'GET', `${PATH}${query}`, { token })).body;
    const first = await page('?limit=2');
    expect(first.data.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    const rest = await page(`?limit=2&after=${first.list_metadata.after}`);
    expect(rest.data.map(({ id }) => id)).toEqual(ids.slice(2));
    expect((await page(`?before=${ids[2]}`)).data.map(({ id }) => id)).toEqual(ids.slice(0, 2));
  });
});

describe('last_exchanged_at of a policy', () => {
  test('is when a token was last exchanged under it, as the audit log has it', async () => {
    const [ours, theirs] = [await service.organizations.add(), await service.organizations.add()];
    const token = await ours.session();
    const [used, unused] = [
      await createPolicy(service, token, { name: 'used' }),
      await createPolicy(service, token, { name: 'unused' }),
    ];
    const send = async (claims: object = {}) =>
      (await exchange(service, { policy: used, token: await jobToken(service, ours, claims) })).status;
    expect(await send()).toBe(200);
    service.clock.advance(5_000);
    expect(await send()).toBe(200);
    service.clock.advance(5_000);
    expect(await send({ repository_id: '988' })).toBe(401);

    const get = async (path: string) => (await call(service, 'GET', path, { token })).body;
    const [{ occurred_at: at } = {}] = (await get(`/v1/audit-events?action=ci.exchanged&target_id=${used}`)).data;
    const listed = (await get(PATH)).data.map(({ id, last_exchanged_at: last }) => [id, last]);
    expect(listed).toEqual([
      [unused, null],
      [used, at],
    ]);
    expect((await get(`${PATH}/${used}`))['last_exchanged_at']).toBe(at);
    const renamed = await call(service, 'PATCH', `${PATH}/${used}`, { token, body: { name: 'renamed' } });
    expect(renamed.body['last_exchanged_at']).toBe(at);
    await createPolicy(service, await theirs.session());
    const other = await call(service, 'GET', PATH, { token: await theirs.session() });
    expect(other.body.data).toMatchObject([{ last_exchanged_at: null }]);
  });
});

describe('PATCH /v1/ci/policies/{id}', () => {
  test('changes what the body names, and records before and after', async () => {
    const id = await createPolicy(service, owner, { name: 'patched' });
    const when = { repository_id: '987', environment: 'production' };
    const { status, body } = await call(service, 'PATCH', `${PATH}/${id}`, {
      token: owner,
      body: { when, max_active_keys: 9 },
    });
    expect([status, body]).toEqual([200, expect.objectContaining({ name: 'patched', when, max_active_keys: 9 })]);
    expect(await auditOf('ci_policy.updated', id)).toEqual([
      expect.objectContaining({
        details: {
          before: { when: { repository_id: '987' }, max_active_keys: 5 },
          after: { when, max_active_keys: 9 },
        },
      }),
    ]);
  });

  test.each([
    ['no pin', { when: { ref: 'refs/heads/main' } }, 'when'],
    ['another issuer', { issuer: 'gitlab' }, 'issuer'],
    ['nothing', {}, 'body'],
  ])('refuses %s', async (_what, body, field) => {
    const id = await createPolicy(service, owner, { name: `patch ${field}` });
    expect(
      Object.keys((await fieldsOf(call(service, 'PATCH', `${PATH}/${id}`, { token: owner, body }))) as object),
    ).toContain(field);
  });
});

describe('DELETE /v1/ci/policies/{id}', () => {
  test('ends all exchanges, and leaves keys until their expiry', async () => {
    const id = await createPolicy(service, owner, { name: 'deleted' });
    const { body } = await exchange(service, { policy: id, token: await jobToken(service, acme) });
    expect((await call(service, 'DELETE', `${PATH}/${id}`, { token: owner })).body).toEqual({
      status: 'deleted',
      revoked_keys: 0,
    });
    expect(outcome(await exchange(service, { policy: id, token: await jobToken(service, acme) }))).toEqual([
      401,
      'credential_invalid',
    ]);
    expect(outcome(await call(service, 'GET', `${PATH}/${id}`, { token: owner }))).toEqual([
      404,
      'ci_policy_not_found',
    ]);
    expect(outcome(await call(service, 'DELETE', `${PATH}/${id}`, { token: owner }))).toEqual([
      404,
      'ci_policy_not_found',
    ]);
    expect(await auditOf('ci_policy.deleted', id)).toHaveLength(1);
    const me = await call(service, 'GET', '/v1/me/session', { token: String(body['access_token']) });
    expect(me.status).toBe(200);
  });
});

test('serves no route of CI where the product allows no issuer', async () => {
  const without = await startService({}, { product: { ci: {} } });
  const other = await without.organizations.add();
  expect(outcome(await call(without, 'GET', PATH, { token: await other.session() }))).toEqual([404, 'route_not_found']);
});
