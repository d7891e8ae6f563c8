import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { startConsumer, trusting } from '../client/consumer.ts';
import type { Consumer, Wanted } from '../client/consumer.ts';
import { call, createKey } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { startTestEnvironment } from '../support/test-environment.ts';

const there = await startTestEnvironment();
const service = await startService(there.env, {
  plans: [{ name: 'open', key_limit: 1_000, rate_limit: 'none', concurrency: 'none' }],
});
const acme = await service.organizations.add({ status: 'active', plan: 'open' });
const owner = await acme.session('owner', { exp: Math.floor(service.clock().getTime() / 1_000) + 3_600 });

const HERE = '127.0.0.1';
const DAY_MS = 24 * 60 * 60 * 1_000;
const ADDRESSES = { any: [], here: ['127.0.0.0/8', '::1'], elsewhere: ['192.0.2.1'] };
const RATES = {
  none: undefined,
  left: { limit: 1_000_000, window_seconds: 86_400 },
  spent: { limit: 1, window_seconds: 86_400 },
};
const POSTURES = {
  active: { billing_status: 'active', trial_ends_at: null },
  trial: { billing_status: 'trial', trial_ends_at: new Date(service.clock().getTime() + DAY_MS) },
  trial_expired: { billing_status: 'trial', trial_ends_at: new Date(service.clock().getTime() - DAY_MS) },
  past_due: { billing_status: 'past_due', trial_ends_at: null },
  unknown: { billing_status: null, trial_ends_at: null },
};
const namesOf = <T extends object>(values: T) => fc.constantFrom(...(Object.keys(values) as (keyof T)[]));

/** Mostly the usual, so that a key has few reasons at once to be refused. */
const mostly = <T>(usual: T, all: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(usual) }, { weight: 2, arbitrary: all });

const keys = fc.record({
  environment: mostly<'live' | 'test'>('live', fc.constantFrom('live', 'test')),
  permissionSet: fc.constantFrom('read_only', 'submit_observe', 'full_access'),
  isRevoked: mostly(false, fc.boolean()),
  isExpired: mostly(false, fc.boolean()),
  isSuspended: mostly(false, fc.boolean()),
  addresses: mostly<keyof typeof ADDRESSES>('any', namesOf(ADDRESSES)),
  rate: mostly<keyof typeof RATES>('none', namesOf(RATES)),
  posture: mostly<keyof typeof POSTURES>('active', namesOf(POSTURES)),
});
const demands: fc.Arbitrary<Wanted> = fc.record({
  environment: mostly<Wanted['environment']>('live', fc.constantFrom('live', 'test', 'any')),
  scopes: mostly<string[]>([], fc.subarray(['workspace:read', 'tasks:write', 'audit:read', 'nobody:has'])),
  operation: fc.constantFrom('read', 'create', 'wind_down'),
});

type Key = typeof keys extends fc.Arbitrary<infer K> ? K : never;

/** Makes a key, brings it into its state behind the back of every memory, and lets all of them forget. */
async function make({ environment, permissionSet, addresses, rate, posture, ...is }: Key) {
  const tenant = service.db('tenants').where({ organization_id: acme.id });
  await tenant.clone().update(POSTURES.active);
  const body = {
    environment,
    permission_set: permissionSet,
    ...(rate !== 'none' && { rate_limit: RATES[rate] }),
    ...(addresses !== 'any' && { ip_allow_list: ADDRESSES[addresses] }),
  };
  const key = await createKey(service, owner, body);
  const row = service.db('api_keys').where({ workos_id: key.id });
  // Its rate can be spent only from where it may be used.
  if (rate === 'spent') await spend(key.value, addresses === 'elsewhere' ? '192.0.2.1' : HERE);
  if (is.isSuspended) await call(service, 'POST', `/v1/api-keys/${key.id}/suspend`, { token: owner });
  if (is.isRevoked) await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner });
  if (is.isExpired) await row.update({ expires_at: new Date(service.clock().getTime() - DAY_MS) });
  await tenant.clone().update(POSTURES[posture]);
  forget();
  return key.value;
}

const forget = () => service.trust.onNotification(undefined);

async function spend(key: string, ip: string): Promise<void> {
  expect(await verify(key, { environment: 'any', scopes: [], operation: 'read' }, { ip })).toBe('valid');
}

async function verify(key: string, wanted: Wanted, more: object = {}): Promise<string> {
  const body = { key, ip: HERE, ...wanted, ...more };
  return String((await call(service, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body })).body['code']);
}

function queryOf({ scopes, ...others }: Wanted, nameOfScopes: string): string {
  return new URLSearchParams({ ...others, [nameOfScopes]: scopes.join(' ') }).toString();
}

/** The verdict that a refusal means. Its bearer cannot tell a revoked key from one that never was. */
function verdictOf(status: number, body: unknown): string {
  if (status === 200) return 'valid';
  const { code, details = {} } = (body as { error: { code: string; details?: object } }).error;
  if (code === 'permission_denied')
    return 'required_environment' in details ? 'environment_mismatch' : 'insufficient_scope';
  return (
    { credential_invalid: 'revoked', credential_expired: 'expired', credential_suspended: 'suspended' }[code] ?? code
  );
}

const asking = (consumer: Consumer): Record<string, (key: string, wanted: Wanted) => Promise<string>> => ({
  verify,
  async forward(key, wanted) {
    const answer = await call(service, 'GET', `/v1/auth/forward?${queryOf(wanted, 'scope')}`, { token: key });
    return verdictOf(answer.status, answer.body);
  },
  async middleware(key, wanted) {
    const answer = await consumer.ask(key, `/wanted?${queryOf(wanted, 'scopes')}`);
    return verdictOf(answer.status, answer.body);
  },
});

const ANYTHING: Wanted = { environment: 'any', scopes: [], operation: 'read' };

test(
  'gives a key the same verdict by verify, forward authentication and the middleware, from the mirror and from memory',
  { timeout: 120_000 },
  async () => {
    const consumer = await startConsumer({ url: service.url, timeoutMs: 10_000 });
    await trusting(consumer);
    const ways = asking(consumer);
    const seen = new Set<string>();
    let unasked = 0;
    const property = fc.asyncProperty(keys, fc.array(demands, { minLength: 1, maxLength: 3 }), async (key, wants) => {
      const value = await make(key);
      for (const wanted of wants) {
        const verdicts: Record<string, string> = {};
        for (const [way, ask] of Object.entries(ways)) {
          forget();
          verdicts[`${way}, cold`] = await ask(value, wanted);
          await verify(value, ANYTHING, { cost: 0, lease: false });
          if (way === 'middleware') await ask(value, ANYTHING);
          const questions = consumer.questions();
          verdicts[`${way}, warm`] = await ask(value, wanted);
          if (way === 'middleware' && consumer.questions() === questions) unasked++;
        }
        expect(new Set(Object.values(verdicts)).size, `${JSON.stringify(wanted)}: ${JSON.stringify(verdicts)}`).toBe(1);
        seen.add(verdicts['verify, cold']!);
      }
    });
    await fc.assert(property, { numRuns: 60 });
    expect([...seen].toSorted()).toEqual([
      'billing_inactive',
      'environment_mismatch',
      'expired',
      'insufficient_scope',
      'ip_not_allowed',
      'rate_limited',
      'revoked',
      'suspended',
      'valid',
    ]);
    expect(unasked).toBeGreaterThan(20);
  },
);
