import { expect, test } from 'vitest';
import { call, outcome } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { createPolicy, exchange, jobToken } from './ci.ts';

const EXCHANGES = 1_000;
const AT_ONCE = 50;
const LOSERS = ['ci_token_used', 'request_in_progress'];

const service = await startService();

test('1,000 exchanges of one token, 50 at a time, make one key', { timeout: 120_000 }, async () => {
  const acme = await service.organizations.add({ status: 'active' });
  const owner = await acme.session('owner');
  const policy = await createPolicy(service, owner, { max_active_keys: 100 });
  const token = await jobToken(service, acme);
  const outcomes = new Map<string, number>();
  for (let sent = 0; sent < EXCHANGES; sent += AT_ONCE) {
    const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => exchange(service, { policy, token })));
    for (const answer of answers) {
      const [status, code = 'made'] = outcome(answer);
      const name = status === 200 ? 'made' : code;
      outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
    }
  }
  expect(outcomes.get('made')).toBe(1);
  expect([...outcomes.keys()].filter((name) => name !== 'made' && !LOSERS.includes(name))).toEqual([]);
  const { body } = await call(service, 'GET', '/v1/api-keys?origin=ci', { token: owner });
  expect(body.data).toHaveLength(1);
});
