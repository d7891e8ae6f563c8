import { describe, expect, test } from 'vitest';
import { call, outcome } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { createPolicy, exchange, jobToken } from './ci.ts';

const service = await startService();

const eventsOf = async (token: string, action: string) =>
  (await call(service, 'GET', `/v1/audit-events?action=${action}&limit=100`, { token })).body.data;

describe('POST /v1/ci/exchange records refusals', () => {
  test('with the reason and the claims of a verified token', async () => {
    const corp = await service.organizations.add();
    const token = await corp.session();
    const at = await createPolicy(service, token, { when: { repository_id: '987', ref: 'refs/heads/main' } });
    await exchange(service, {
      policy: at,
      token: await jobToken(service, corp, { ref: 'refs/heads/x', email: 'who@corp.test' }),
    });
    await exchange(service, { policy: at, token: await jobToken(service, corp, { repository_id: '1' }) });
    await exchange(service, { policy: at, token: 'eyJ' });
    const used = await jobToken(service, corp);
    for (let i = 0; i < 2; i++) await exchange(service, { policy: at, token: used });
    const [garbage, stranger, branch] = await eventsOf(token, 'ci.refused');
    expect(garbage!['details']).toEqual({ reason: 'credential_invalid' });
    expect(stranger!['details']).toMatchObject({ reason: 'pins', claims: { repository_id: '1' } });
    expect(branch).toMatchObject({
      target: { kind: 'ci_policy', id: at },
      details: {
        reason: 'conditions',
        mismatch: [{ claim: 'ref', value: 'refs/heads/x' }],
        claims: { repository: 'acme/app' },
      },
    });
    expect(JSON.stringify(await eventsOf(token, 'ci.refused'))).not.toContain('@corp.test');
    expect(await eventsOf(token, 'ci.replayed')).toEqual([
      expect.objectContaining({
        details: { reason: 'ci_token_used', claims: expect.objectContaining({ run_id: '4711' }) },
      }),
    ]);
  });

  test('one by one up to ten a minute, and further ones as a count', async () => {
    const corp = await service.organizations.add();
    const token = await corp.session();
    const at = await createPolicy(service, token);
    const stranger = await jobToken(service, corp, { repository_id: '1' });
    for (let i = 0; i < 13; i++) await exchange(service, { policy: at, token: stranger });
    expect(await eventsOf(token, 'ci.refused')).toHaveLength(10);
    await service.background.runOnce('record_ci_refusals');
    const [counted, ...single] = await eventsOf(token, 'ci.refused');
    expect([counted!['details'], single.length]).toEqual([{ reason: 'pins', attempts: 3 }, 10]);
  });
});

test('writes no token and no key into logs, events or errors', async () => {
  const acme = await service.organizations.add();
  const policy = await createPolicy(service, await acme.session());
  const token = await jobToken(service, acme);
  const { body } = await exchange(service, { policy, token });
  await exchange(service, { policy, token });
  const events = await service.db('audit_events').select('details');
  const rows = await service.db('ci_token_uses');
  const text = JSON.stringify([service.logs, events, rows]);
  for (const secret of [token, token.split('.')[2], body['access_token'], body['revoke_token']])
    expect(text).not.toContain(secret);
});

test('returns 429 to an address of many refused tokens, while a good token of it passes', async () => {
  const limited = await startService({ LATCHKEY_FAILED_CREDENTIALS_PER_MINUTE: '3' });
  const corp = await limited.organizations.add();
  const at = await createPolicy(limited, await corp.session());
  const stranger = await jobToken(limited, corp, { repository_id: '1' });
  const answers = [];
  for (let i = 0; i < 4; i++) answers.push(outcome(await exchange(limited, { policy: at, token: stranger })));
  expect(answers).toEqual([...Array.from({ length: 3 }, () => [401, 'credential_invalid']), [429, 'rate_limited']]);
  expect(outcome(await exchange(limited, { policy: at, token: await jobToken(limited, corp) }))).toEqual([
    200,
    undefined,
  ]);
});

test('returns 503 while the issuer does not answer, and takes the same token afterwards', async () => {
  const other = await startService();
  const corp = await other.organizations.add();
  const at = await createPolicy(other, await corp.session());
  const token = await jobToken(other, corp);
  other.workos.faults.add({ kind: 'status', status: 500, path: '/_ci/', times: 0 });
  expect(outcome(await exchange(other, { policy: at, token }))).toEqual([503, 'issuer_unavailable']);
  other.workos.faults.clear();
  other.clock.advance(10_000);
  expect(outcome(await exchange(other, { policy: at, token }))).toEqual([200, undefined]);
});
