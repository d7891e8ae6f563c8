import { describe, expect, test } from 'vitest';
import { call, outcome } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { createPolicy, exchange, jobToken, policyBody } from './ci.ts';

const service = await startService();
const PATH = '/v1/ci/policies/dry-run';
const DAY_MS = 24 * 60 * 60_000;

async function setUp(when: object = {}) {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const policy = await createPolicy(service, owner, {
    max_active_keys: 100,
    when: { repository_id: '987', ...when },
  });
  const run = async (claims: object = {}, at = policy) =>
    outcome(await exchange(service, { policy: at, token: await jobToken(service, acme, claims) }));
  const judge = async (draft: object, more: object = {}, token = owner) =>
    call(service, 'POST', PATH, { token, body: { draft: policyBody({ name: 'draft', ...draft }), ...more } });
  return { acme, owner, policy, run, judge };
}
const pinned = (when: object) => ({ when: { repository_id: '987', ...when } });

describe('POST /v1/ci/policies/dry-run', () => {
  test('names a past exchange that the draft would refuse, and a refusal that it would admit', async () => {
    const { policy, run, judge } = await setUp({ environment: 'production' });
    expect(await run({ ref: 'refs/heads/main' })).toEqual([200, undefined]);
    expect(await run({ ref: 'refs/heads/next' })).toEqual([200, undefined]);
    expect(await run({ environment: 'staging', ref: 'refs/heads/main' })).toEqual([403, 'permission_denied']);
    const { status, body } = await judge(pinned({ ref: 'refs/heads/main' }));
    expect([status, body]).toEqual([
      200,
      {
        since: expect.any(String),
        complete: true,
        admitted: 2,
        refused: 1,
        unknown: 0,
        data: [
          expect.objectContaining({ was: 'refused', would_be: 'admitted', mismatch: [] }),
          expect.objectContaining({
            event_id: expect.any(String),
            policy,
            was: 'admitted',
            would_be: 'refused',
            mismatch: [{ claim: 'ref', value: 'refs/heads/next' }],
            unknown_claims: [],
            claims: expect.objectContaining({ repository_id: '987' }),
          }),
        ],
      },
    ]);
  });

  test('leaves undecided what the audit log has no claim for, unless another condition fails', async () => {
    const { run, judge } = await setUp();
    await run({ ref: 'refs/heads/main' });
    const open = (await judge(pinned({ sub: 'repo:acme/app' }))).body;
    expect([open['unknown'], open.data]).toEqual([
      1,
      [expect.objectContaining({ would_be: 'unknown', unknown_claims: ['sub'], mismatch: [] })],
    ]);
    const closed = (await judge(pinned({ sub: 'repo:acme/app', ref: 'refs/heads/other' }))).body;
    expect([closed['unknown'], closed['refused']]).toEqual([0, 1]);
  });

  test('leaves undecided a claim that the audit log has cut', async () => {
    const { run, judge } = await setUp();
    const ref = `refs/heads/${'x'.repeat(400)}`;
    await run({ ref });
    expect((await judge(pinned({ ref }))).body).toMatchObject({ unknown: 1 });
  });

  test('judges refused events as the exchange does, and a disabled draft admits nothing', async () => {
    const { run, judge } = await setUp();
    await run({ event_name: 'pull_request_target' });
    expect((await judge(pinned({}))).body).toMatchObject({ admitted: 0, refused: 1 });
    expect((await judge(pinned({ event_name: ['pull_request_target'] }))).body).toMatchObject({ admitted: 1 });
    const disabled = { ...pinned({ event_name: ['pull_request_target'] }), enabled: false };
    expect((await judge(disabled)).body).toMatchObject({ admitted: 0, refused: 1 });
  });

  test('reads one policy where the request names it, of 30 days, and of no other organization', async () => {
    const { acme, owner, policy, run, judge } = await setUp();
    const neighbour = await createPolicy(service, owner, { name: 'neighbour' });
    await run();
    await run({}, neighbour);
    expect((await judge(pinned({}))).body).toMatchObject({ admitted: 2 });
    expect((await judge(pinned({}), { policy })).body).toMatchObject({ admitted: 1 });
    const other = await setUp();
    expect((await other.judge(pinned({}))).body).toMatchObject({ admitted: 0, data: [] });
    expect(outcome(await other.judge(pinned({}), { policy }))).toEqual([404, 'ci_policy_not_found']);
    service.clock.advance(31 * DAY_MS);
    const later = await acme.session();
    expect((await judge(pinned({}), {}, later)).body).toMatchObject({ admitted: 0, complete: true });
  });

  test('leaves out exchanges of another issuer', async () => {
    const { acme, owner, run, judge } = await setUp();
    await run();
    const at = await createPolicy(service, owner, { name: 'gitlab', issuer: 'gitlab', when: { project_id: '987' } });
    for (const claims of [{}, { project_id: '1' }])
      await exchange(service, { policy: at, token: await jobToken(service, acme, claims, 'gitlab') });
    expect((await judge(pinned({}))).body).toMatchObject({ admitted: 1, refused: 0, unknown: 0 });
    const gitlab = { issuer: 'gitlab', when: { project_id: '987' } };
    expect((await judge(gitlab)).body).toMatchObject({ admitted: 1, refused: 1 });
  });

  test('reads the newest 1,000, and says that there were more', async () => {
    const { acme, run, judge } = await setUp();
    await run({ ref: 'refs/heads/main' });
    const events = () => service.db('audit_events').where({ organization_id: acme.id });
    const row = await events().where({ action: 'ci.exchanged' }).first();
    const copies = Array.from({ length: 1_000 }, (_, i) => ({
      ...row,
      id: `${row.id.slice(0, -4)}${String(i).padStart(4, '0')}`,
      sequence: Number(row.sequence) + 1 + i,
      details: { ...row.details, claims: { ...row.details.claims, ref: `refs/heads/${i}` } },
    }));
    await service.db('audit_events').insert(copies);
    const { body } = await judge(pinned({ ref: 'refs/heads/999' }));
    expect(body).toMatchObject({ complete: false, admitted: 1, refused: 999 });
    expect(body.data).toHaveLength(100);
  });

  test('refuses a draft that could not be created', async () => {
    const { judge } = await setUp();
    const { status, body } = await judge({ when: { repository: 'acme/app' } });
    expect([status, Object.keys(body.error.details?.['fields'] as object)]).toEqual([400, ['when']]);
    expect(outcome(await judge(pinned({}), { policy: 'deploy' }))).toEqual([400, 'validation_error']);
  });

  test.each([
    [['apikeys:write'], 403],
    [['audit:read'], 403],
    [['apikeys:read', 'audit:read'], 403],
    [['apikeys:write', 'audit:read'], 200],
  ])('to a caller with %j returns %i', async (permissions, status) => {
    const { acme, judge } = await setUp();
    expect((await judge(pinned({}), {}, await acme.session('owner', { permissions }))).status).toBe(status);
    const machine = await acme.machineToken(permissions.join(' '));
    expect((await judge(pinned({}), {}, machine)).status).toBe(status);
  });
});
