import { describe, expect, test } from 'vitest';
import { call, outcome } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { createPolicy, exchange, jobToken } from './ci.ts';

const service = await startService();
const acme = await service.organizations.add();
const owner = await acme.session();
let made = 0;
const policyOf = (body: object = {}) => createPolicy(service, owner, { name: `policy ${++made}`, ...body });
const explain = async (policy: string, claims: object = {}) =>
  call(service, 'POST', '/v1/ci/explain', { body: { policy, subject_token: await jobToken(service, acme, claims) } });
const refusalsOf = async (policy: string) =>
  (await call(service, 'GET', `/v1/audit-events?action=ci.refused&target_id=${policy}`, { token: owner })).body.data;

describe('POST /v1/ci/explain', () => {
  test('says of each condition whether it holds, and of an event that only a listing admits', async () => {
    const when = { repository_id: '987', environment: 'staging', ref: { glob: 'refs/heads/*' }, teams: 'a' };
    const policy = await policyOf({ when });
    const { status, body } = await explain(policy, { event_name: 'pull_request_target' });
    expect([status, body]).toEqual([
      200,
      {
        admitted: false,
        policy: { id: policy, name: expect.any(String), issue: 'api_key', enabled: true },
        conditions: [
          { claim: 'environment', value: 'production', holds: false },
          { claim: 'event_name', value: 'pull_request_target', holds: false },
          { claim: 'ref', value: 'refs/heads/main', holds: true },
          { claim: 'repository_id', value: '987', holds: true },
          { claim: 'teams', value: null, holds: false },
        ],
      },
    ]);
  });

  test('leaves the token good for an exchange, and admits nothing while the policy is disabled', async () => {
    const policy = await policyOf();
    const token = await jobToken(service, acme);
    const ask = () => call(service, 'POST', '/v1/ci/explain', { body: { policy, subject_token: token } });
    for (let i = 0; i < 2; i++) expect((await ask()).body).toMatchObject({ admitted: true });
    expect(outcome(await exchange(service, { policy, token }))).toEqual([200, undefined]);
    const disabled = await policyOf({ enabled: false });
    expect((await explain(disabled)).body).toMatchObject({ admitted: false, policy: { enabled: false } });
  });

  test('says nothing to a stranger, and records the attempt as the exchange does', async () => {
    const policy = await policyOf();
    const [known, unknown] = [
      await explain(policy, { repository_id: '1' }),
      await explain('cipol_00000000000000000000000000'),
    ];
    for (const answer of [known, unknown])
      expect([...outcome(answer), answer.body.error.details]).toEqual([401, 'credential_invalid', undefined]);
    expect(known.body.error.message).toBe(unknown.body.error.message);
    expect((await refusalsOf(policy)).map(({ details }) => details)).toEqual([
      expect.objectContaining({ reason: 'pins', claims: expect.objectContaining({ repository_id: '1' }) }),
    ]);
  });

  test.each<[string, object, string]>([
    ['an unknown field', { scope: 'all' }, 'scope'],
    ['a policy by its name', { policy: 'deploy' }, 'policy'],
    ['a token beyond all bounds', { subject_token: 'a'.repeat(16_385) }, 'subject_token'],
  ])('returns 400 for %s', async (_what, body, field) => {
    const sent = { policy: await policyOf(), subject_token: await jobToken(service, acme), ...body };
    const answer = await call(service, 'POST', '/v1/ci/explain', { body: sent });
    expect([answer.status, Object.keys(answer.body.error.details?.['fields'] as object)]).toEqual([400, [field]]);
  });
});
