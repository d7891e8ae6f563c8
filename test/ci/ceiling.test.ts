import { describe, expect, test } from 'vitest';
import { outcome } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { createPolicy, exchange, jobToken } from './ci.ts';

const service = await startService();
const acme = await service.organizations.add();
const owner = await acme.session();
const policy = await createPolicy(service, owner, { max_active_keys: 100 });

describe('POST /v1/ci/exchange keeps the ceiling of the policy:', () => {
  test.each<[string, object, object]>([
    ['a set that it does not allow', { permission_set: 'full_access' }, { permission_sets: ['submit_observe'] }],
    ['a longer lifetime', { lifetime_seconds: 3_601 }, { max_lifetime_seconds: 3_600 }],
    ['another environment', { environment: 'test' }, { environments: ['live'] }],
  ])('refuses %s', async (_what, body, allowed) => {
    const token = await jobToken(service, acme);
    expect((await exchange(service, { policy, token, body })).body.error).toMatchObject({
      code: 'permission_denied',
      details: { allowed },
    });
    expect(outcome(await exchange(service, { policy, token }))).toEqual([200, undefined]);
  });

  test('asks which set where the policy allows several', async () => {
    const at = await createPolicy(service, owner, {
      name: 'several',
      permission_sets: ['submit_observe', 'read_only'],
    });
    const token = await jobToken(service, acme);
    const answer = await exchange(service, { policy: at, token });
    expect([...outcome(answer), answer.body.error.details]).toEqual([
      400,
      'validation_error',
      { fields: { permission_set: 'The CI policy allows several. Choose one.' } },
    ]);
    const chosen = await exchange(service, { policy: at, token, body: { permission_set: 'read_only' } });
    expect(chosen.body['api_key']).toMatchObject({ permission_set: 'read_only' });
  });

  test.each([
    ['an unknown field', { scope: 'all' }, 'scope'],
    [
      'another kind of token',
      { subject_token_type: 'urn:ietf:params:oauth:token-type:access_token' },
      'subject_token_type',
    ],
    ['another grant', { grant_type: 'client_credentials' }, 'grant_type'],
    [
      'another thing to issue',
      { requested_token_type: 'urn:ietf:params:oauth:token-type:jwt' },
      'requested_token_type',
    ],
    ['a policy by its name', { policy: 'deploy' }, 'policy'],
  ])('returns 400 for %s', async (_what, body, field) => {
    const answer = await exchange(service, { policy, token: await jobToken(service, acme), body });
    expect([...outcome(answer), Object.keys(answer.body.error.details?.['fields'] as object)]).toEqual([
      400,
      'validation_error',
      [field],
    ]);
  });
});
