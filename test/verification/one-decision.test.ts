import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { startConsumer, trusting } from '../client/consumer.ts';
import { call, createKey } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { startTestEnvironment } from '../support/test-environment.ts';
import { propertyRuns } from '../support/property-runs.ts';

const there = await startTestEnvironment();
const service = await startService(there.env, {
  plans: [{ name: 'open', key_limit: 1_000, rate_limit: 'none', concurrency: 'none' }],
});
const routes = await service.withoutFastPaths();
const HERE = '127.0.0.1';
const DAY_MS = 24 * 60 * 60 * 1_000;
const ONCE = { limit: 1, window_seconds: 86_400 };

const acme = await service.organizations.add({ status: 'active', plan: 'open' });
const owner = await acme.session('owner', { exp: Math.floor(service.clock().getTime() / 1_000) + 10 * 86_400 });
const late = await service.organizations.add({ status: 'active', plan: 'open' });
const lateOwner = await late.session();

type Place = 'verify' | 'verify route' | 'forward' | 'forward route' | 'middleware';
const PLACES: readonly Place[] = ['verify', 'verify route', 'forward', 'forward route', 'middleware'];

/** How a key comes into each state; each use of a limited one has a key of its own. */
const STATES = {
  valid: { make: (body: object) => createKey(service, owner, body) },
  test: { make: () => createKey(service, owner, { environment: 'test', rate_limit: ONCE }) },
  revoked: {
    async make(body: object) {
      const key = await createKey(service, owner, body);
      await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner });
      return key;
    },
  },
  suspended: {
    async make(body: object) {
      const key = await createKey(service, owner, { ...body, rate_limit: ONCE });
      await call(service, 'POST', `/v1/api-keys/${key.id}/suspend`, { token: owner });
      return key;
    },
  },
  expired: {
    async make(body: object) {
      const key = await createKey(service, owner, body);
      await service
        .db('api_keys')
        .where({ workos_id: key.id })
        .update({ expires_at: new Date(service.clock().getTime() - DAY_MS) });
      return key;
    },
  },
  elsewhere: { make: (body: object) => createKey(service, owner, { ...body, ip_allow_list: ['192.0.2.1'] }) },
  here: { make: (body: object) => createKey(service, owner, { ...body, ip_allow_list: ['127.0.0.0/8', '::1'] }) },
  limited: {
    async make(body: object) {
      const key = await createKey(service, owner, { ...body, rate_limit: ONCE });
      // Each of the two counts by itself.
      for (const at of [service, routes]) await verify(at, key.value, {});
      return key;
    },
  },
  unpaid: { make: (body: object) => createKey(service, lateOwner, body) },
} satisfies Record<string, { make: (body: object) => Promise<{ id: string; value: string }> }>;

type State = keyof typeof STATES;
type Example = Use & { state: State; forgotten: boolean; order: Place[] };
type Use = { environment: 'live' | 'test' | 'any'; scoped: boolean; operation: 'read' | 'create' };

const made = new Map<State, { value: string }>();
for (const [state, { make }] of Object.entries(STATES)) made.set(state as State, await make({}));
await service.db('tenants').where({ organization_id: late.id }).update({ billing_status: 'past_due' });

const scopesOf = ({ scoped }: Use) => (scoped ? ['nobody:has'] : []);

async function verify(at: { url: string }, key: string, use: object): Promise<string> {
  const body = { key, ip: HERE, operation: 'read', ...use };
  return String((await call(at, 'POST', '/v1/api-keys/verify', { token: SERVICE_TOKEN, body })).body['code']);
}

function forward(at: { url: string }, key: string, use: Use): Promise<Answer> {
  const { environment, operation } = use;
  const query = new URLSearchParams({ environment, operation, scope: scopesOf(use).join(' ') });
  return call(at, 'GET', `/v1/auth/forward?${query.toString()}`, { token: key });
}

/** The verdict that an answer means; a key that is revoked looks to its bearer like one that never was. */
function verdictOf({ status, body }: Pick<Answer, 'status' | 'body'>): string {
  if (status === 200) return 'valid';
  const { code, details = {} } = body.error;
  if (code === 'permission_denied')
    return 'required_environment' in details ? 'environment_mismatch' : 'insufficient_scope';
  return (
    { credential_invalid: 'revoked', credential_expired: 'expired', credential_suspended: 'suspended' }[code] ?? code
  );
}

async function ask(place: Place, key: string, use: Use): Promise<string> {
  const wanted = { environment: use.environment, scopes: scopesOf(use), operation: use.operation };
  if (place === 'verify') return verify(service, key, wanted);
  if (place === 'verify route') return verify(routes, key, wanted);
  if (place !== 'middleware') return verdictOf(await forward(place === 'forward' ? service : routes, key, use));
  if (use.operation === 'create') return verdictOf((await consumer.ask(key, '/odd')) as unknown as Answer);
  const path = use.environment === 'test' ? '/sandbox' : use.environment === 'any' ? '/both' : '/tasks';
  return verdictOf((await consumer.ask(key, path)) as unknown as Answer);
}

/** Each state once, as far as it gets. */
const EXAMPLES = (Object.keys(STATES) as State[]).flatMap((state) =>
  [false, true].map((scoped): [Example] => [
    { state, environment: 'live', scoped, operation: 'create', forgotten: true, order: [...PLACES] },
  ]),
);

let consumer: Awaited<ReturnType<typeof startConsumer>>;

test('gives a key one verdict wherever it is presented, from the mirror and from memory', async () => {
  consumer = await startConsumer({ url: service.url, timeoutMs: 10_000 });
  await trusting(consumer);
  const uses = fc.record({
    state: fc.constantFrom(...(Object.keys(STATES) as State[])),
    environment: fc.constantFrom('live' as const, 'test' as const, 'any' as const),
    scoped: fc.boolean(),
    operation: fc.constantFrom('read' as const, 'create' as const),
    forgotten: fc.boolean(),
    order: fc.shuffledSubarray([...PLACES], { minLength: PLACES.length }),
  });
  const seen = new Set<string>();
  await fc.assert(
    fc.asyncProperty(uses, async ({ state, forgotten, order, ...use }) => {
      const { value } = made.get(state)!;
      // A test key has one request a day: only what does not spend it is asked.
      fc.pre(state !== 'test' || use.environment === 'live');
      const verdicts: Record<string, string> = {};
      for (const place of order) {
        // The middleware's routes need no unknown scope, and the one that creates takes live keys.
        const isElsewhere = use.scoped || (use.operation === 'create' && use.environment !== 'live');
        if (place === 'middleware' && isElsewhere) continue;
        if (forgotten) service.trust.onNotification(undefined);
        verdicts[place] = await ask(place, value, use);
      }
      expect(new Set(Object.values(verdicts)).size, `${state} ${JSON.stringify({ use, verdicts })}`).toBe(1);
      seen.add(Object.values(verdicts)[0]!);
    }),
    { numRuns: propertyRuns(120), examples: EXAMPLES },
  );
  expect([...seen]).toEqual(
    expect.arrayContaining([
      'valid',
      'revoked',
      'expired',
      'suspended',
      'environment_mismatch',
      'ip_not_allowed',
      'insufficient_scope',
      'billing_inactive',
      'rate_limited',
    ]),
  );
}, 60_000);

describe.each([
  ['from memory', () => service],
  ['by the route', () => routes],
])('a test key where live keys are wanted, %s', (_name, at) => {
  test('returns environment_mismatch every time, and spends nothing of its rate', async () => {
    const key = await createKey(service, owner, {
      environment: 'test',
      rate_limit: { limit: 3, window_seconds: 86_400 },
    });
    const live = { environment: 'live', scoped: false, operation: 'read' } as const;
    for (let i = 0; i < 6; i++) expect(verdictOf(await forward(at(), key.value, live))).toBe('environment_mismatch');
    const answer = await forward(at(), key.value, { ...live, environment: 'test' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('ratelimit')).toMatch(/r=2\b/);
  });
});

test('returns environment_mismatch every time to a test key on a route of Latchkey itself, and spends nothing of its rate', async () => {
  const key = await createKey(service, owner, {
    environment: 'test',
    rate_limit: { limit: 3, window_seconds: 86_400 },
  });
  for (let i = 0; i < 6; i++)
    expect(verdictOf(await call(service, 'GET', '/v1/api-keys', { token: key.value }))).toBe('environment_mismatch');
  const passed = await forward(service, key.value, { environment: 'test', scoped: false, operation: 'read' });
  expect(passed.headers.get('ratelimit')).toMatch(/r=2\b/);
});
