import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { parseCsv } from '../support/csv.ts';
import { SERVICE_TOKEN, startService } from '../support/service.ts';
import { createPolicy, exchange, jobToken } from '../ci/ci.ts';
import { documentedRoutes } from './routes-of-document.ts';
import type { DocumentedRoute } from './routes-of-document.ts';

type Kind = 'user' | 'machine' | 'api_key' | 'ci';
type Outcome = [number, string | undefined];
type Row = {
  body?: object;
  /** What comes of the other organization's id in the path, or of a plain request where the path has none. */
  expected: Record<Kind, Outcome>;
};

const KINDS: Kind[] = ['user', 'machine', 'api_key', 'ci'];
const OK: Outcome = [200, undefined];
const CREATED: Outcome = [201, undefined];
const DENIED: Outcome = [403, 'permission_denied'];
const NOT_FOUND: Outcome = [404, 'api_key_not_found'];
const NO_DELIVERY: Outcome = [404, 'webhook_delivery_not_found'];
const NO_POLICY: Outcome = [404, 'ci_policy_not_found'];
const all = (outcome: Outcome) => ({ user: outcome, machine: outcome, api_key: outcome, ci: DENIED });
/** Of the few routes that a CI session may use. */
const forCi = (expected: Record<Kind, Outcome>, outcome: Outcome) => ({ ...expected, ci: outcome });
const notForKeys = (outcome: Outcome) => ({ ...all(outcome), api_key: DENIED });

// Names of policies are unique.
let policies = 0;

/** A tenant route without a row fails below. */
const ROWS: Record<string, Row> = {
  'POST /v1/api-keys': {
    body: { label: 'mine', permission_set: 'read_only' },
    expected: forCi(notForKeys(CREATED), CREATED),
  },
  'POST /v1/api-keys/dry-run': { body: { label: 'mine', permission_set: 'read_only' }, expected: notForKeys(OK) },
  'GET /v1/api-keys': { expected: forCi(all(OK), OK) },
  'GET /v1/api-keys/{id}': { expected: forCi(all(NOT_FOUND), NOT_FOUND) },
  'PATCH /v1/api-keys/{id}': { body: { label: 'stolen' }, expected: notForKeys(NOT_FOUND) },
  'DELETE /v1/api-keys/{id}': { expected: forCi(notForKeys(NOT_FOUND), NOT_FOUND) },
  'POST /v1/api-keys/{id}/suspend': { body: { reason: 'theirs' }, expected: forCi(notForKeys(NOT_FOUND), NOT_FOUND) },
  'POST /v1/api-keys/{id}/resume': { expected: forCi(notForKeys(NOT_FOUND), NOT_FOUND) },
  'POST /v1/api-keys/{id}/rotate': { body: {}, expected: notForKeys(NOT_FOUND) },
  'GET /v1/api-keys/{id}/usage': { expected: all(NOT_FOUND) },
  // It names keys in its query; test/usage/keys-usage.test.ts asks for those of others.
  'GET /v1/api-keys/usage': { expected: all([400, 'validation_error']) },
  'GET /v1/api-keys/permissions': { expected: all(OK) },
  'GET /v1/permission-sets': { expected: all(OK) },
  'GET /v1/me/session': { expected: all(OK) },
  'GET /v1/product': { expected: all(OK) },
  'GET /v1/organization': { expected: all(OK) },
  'GET /v1/organization/ip-allow-list': { expected: notForKeys(OK) },
  'PUT /v1/organization/ip-allow-list': { body: { ip_allow_list: [] }, expected: notForKeys(OK) },
  'GET /v1/organization/usage': { expected: all(OK) },
  'GET /v1/access-review': { expected: all(OK) },
  'GET /v1/access-review/export': { expected: all(OK) },
  'GET /v1/webhook-deliveries': { expected: notForKeys(OK) },
  // test/webhooks/deliveries/who-may.test.ts asks for a delivery of another organization.
  'GET /v1/webhook-deliveries/{id}': { expected: notForKeys(NO_DELIVERY) },
  'POST /v1/webhook-deliveries/{id}/replay': { expected: notForKeys(NO_DELIVERY) },
  'POST /v1/ci/policies': {
    get body() {
      policies += 1;
      const when = { repository_id: '1' };
      return { name: `policy ${policies}`, issuer: 'github', permission_sets: ['read_only'], when };
    },
    expected: notForKeys(CREATED),
  },
  'POST /v1/ci/policies/dry-run': {
    body: { draft: { name: 'draft', issuer: 'github', permission_sets: ['read_only'], when: { repository_id: '1' } } },
    expected: notForKeys(OK),
  },
  'GET /v1/ci/policies': { expected: all(OK) },
  'GET /v1/ci/policies/{id}': { expected: all(NO_POLICY) },
  'PATCH /v1/ci/policies/{id}': { body: { enabled: false }, expected: notForKeys(NO_POLICY) },
  'DELETE /v1/ci/policies/{id}': { expected: notForKeys(NO_POLICY) },
  'GET /v1/audit-events': { expected: all(OK) },
  'GET /v1/audit-events/export': { expected: all(OK) },
  'POST /v1/auth/logout': { expected: { ...all(DENIED), user: OK } },
  'POST /v1/auth/check-api-key': { body: {}, expected: { ...all(DENIED), api_key: OK } },
  'POST /v1/auth/check-token': { body: {}, expected: notForKeys(OK) },
  'GET /v1/auth/forward': { expected: { ...all(DENIED), api_key: OK } },
};

const PUBLIC = [
  'POST /v1/ci/explain',
  'POST /v1/ci/exchange',
  'POST /v1/ci/revoke',
  'GET /v1/meta',
  'GET /v1/outbound-addresses',
  'GET /healthz',
  'GET /readyz',
];
const EVERY_SCOPE = ['apikeys:read', 'apikeys:write', 'audit:read', 'billing:write', 'members:write', 'workspace:read'];

const service = await startService({}, { product: { tasks: { max: 10 } } });
const routes = await documentedRoutes(service);
const tenantRoutes = routes.filter(({ access }) => access === 'tenant');
const serviceRoutes = routes.filter(({ access }) => access === 'service');

const victim = await service.organizations.add();
const victimOwner = await victim.session('owner');
const victimKey = await createKey(service, victimOwner, {
  label: 'the label of the victim',
  metadata: { hidden: 'note' },
});
const [victimEvent] = (await call(service, 'GET', '/v1/audit-events', { token: victimOwner })).body.data;

const attacker = await service.organizations.add();
const attackerKey = await createKey(service, await attacker.session('owner'), { permission_set: 'full_access' });
// Scopes that no permission set gives: what holds must hold for the organization, not for want of a scope.
await service.db('api_keys').where({ organization_id: attacker.id }).update({ scopes: EVERY_SCOPE });
const attackerPolicy = await createPolicy(service, await attacker.session('owner'), {
  issue: 'session',
  permission_sets: ['read_only'],
  max_active_keys: 1_000,
});
const exchanged = await exchange(service, { policy: attackerPolicy, token: await jobToken(service, attacker) });
const ciSession = String(exchanged.body['access_token']);
let sessions = 0;
/** Returns a credential of the attacker; each of a user is a session of its own, which a route may end. */
async function tokenOf(kind: Kind): Promise<string> {
  if (kind === 'api_key') return attackerKey.value;
  if (kind === 'ci') return ciSession;
  if (kind === 'machine') return attacker.machineToken(EVERY_SCOPE.join(' '));
  return attacker.session('owner', { permissions: EVERY_SCOPE, sid: `session_${attacker.name}_${++sessions}` });
}

const victimState = async () =>
  JSON.stringify([
    await service.db('tenants').where({ organization_id: victim.id }),
    await service.db('api_keys').where({ organization_id: victim.id }),
    await service.db('audit_events').where({ organization_id: victim.id }).orderBy('sequence'),
  ]);
const before = await victimState();
const victimMarks = [
  victim.id,
  victimKey.id,
  victimKey.label,

  'hidden',
  victim.userId('owner'),
];

/** Sends it and checks that the other organization neither shows nor changes. */
async function attack(token: string, route: DocumentedRoute, { query = '', id = victimKey.id, body }: Attack = {}) {
  const path = route.path.replace(/\{\w+\}/, id) + query;
  const sent = route.hasBody ? (body ?? ROWS[route.name]?.body) : undefined;
  const answer = await call(service, route.method, path, { token, ...(sent && { body: sent }) });
  const text = JSON.stringify([answer.body, [...answer.headers]]);
  for (const mark of victimMarks) expect(text).not.toContain(mark);
  expect(await victimState()).toBe(before);
  return outcome(answer);
}

type Attack = { query?: string; id?: string; body?: object };

const cases = tenantRoutes.flatMap((route) =>
  KINDS.map((kind): [string, Kind, DocumentedRoute] => [route.name, kind, route]),
);

describe('isolation of organizations', () => {
  test('has a row for every tenant route, and knows every public route', () => {
    expect(tenantRoutes.length).toBeGreaterThanOrEqual(10);
    expect(tenantRoutes.filter(({ name }) => !(name in ROWS)).map(({ name }) => name)).toEqual([]);
    expect(routes.filter(({ access }) => access === 'public').map(({ name }) => name)).toEqual(PUBLIC);
  });

  test.each(routes.filter(({ access }) => access !== 'public').map(({ name }) => name))(
    'returns 401 from %s without a credential, whatever else is wrong',
    async (name) => {
      const route = routes.find((candidate) => candidate.name === name)!;
      const path = route.path.replace(/\{\w+\}/, '%00');
      for (const query of ['', '?limit=x', `?organization_id=${victim.id}`]) {
        const answer = await call(service, route.method, path + query, route.hasBody ? { body: '{broken' } : {});
        expect(outcome(answer)).toEqual([401, 'credential_missing']);
      }
    },
  );

  test.each(cases)("keeps %s by a %s from another organization's resource", async (name, kind, route) => {
    expect(await attack(await tokenOf(kind), route)).toEqual(ROWS[name]?.expected[kind]);
  });

  test.each(cases)('returns 403 from %s to a %s that names another organization', async (_name, kind, route) => {
    const id = attackerKey.id;
    expect(await attack(await tokenOf(kind), route, { id, query: `?organization_id=${victim.id}` })).toEqual(DENIED);
    const twice = `?organization_id=${attacker.id}&organization_id=${victim.id}`;
    expect(await attack(await tokenOf(kind), route, { id, query: twice })).toEqual(DENIED);
    expect(await attack(await tokenOf(kind), route, { id, query: '?organization_id=' })).toEqual(DENIED);
  });

  test.each(cases.filter(([, , route]) => route.takes('after')))(
    "%s by a %s refuses another organization's cursor",
    async (name, kind, route) => {
      const isDenied = ROWS[name]?.expected[kind] === DENIED;
      for (const cursor of [victimKey.id, String(victimEvent?.['id'])]) {
        for (const direction of ['after', 'before']) {
          const query = `?${direction}=${cursor}`;
          const answer = await attack(await tokenOf(kind), route, { query });
          expect(answer).toEqual(isDenied ? DENIED : [400, 'validation_error']);
        }
      }
    },
  );

  const mayRead = ([name, kind]: (typeof cases)[number]) => ROWS[name]?.expected[kind] !== DENIED;
  test.each(cases.filter((each) => each[2].takes('target_id') && mayRead(each)))(
    "%s by a %s finds nothing under another organization's ids",
    async (_name, kind, route) => {
      for (const query of [`?target_id=${victimKey.id}`, `?actor_id=${victim.userId('owner')}`]) {
        const { status, body } = await call(service, route.method, route.path + query, { token: await tokenOf(kind) });
        const found = 'csv' in body ? parseCsv(String(body['csv'])).slice(1) : body.data;
        expect([status, found]).toEqual([200, []]);
      }
    },
  );

  test.each(cases.filter(([, , route]) => route.hasBody))(
    'ignores or refuses another organization in the body of %s by a %s',
    async (name, kind, route) => {
      const body = { ...ROWS[name]?.body, organization_id: victim.id };
      const [status] = await attack(await tokenOf(kind), route, { body, id: attackerKey.id });
      expect([400, 403]).toContain(status);
    },
  );

  test.each(serviceRoutes.flatMap(({ name }) => KINDS.map((kind): [string, Kind] => [name, kind])))(
    'refuses %s to a %s, for its own organization and for another',
    async (name, kind) => {
      const route = serviceRoutes.find((candidate) => candidate.name === name)!;
      for (const id of [victim.id, attacker.id]) {
        expect(await attack(await tokenOf(kind), route, { id, body: { status: 'past_due' } })).toEqual(DENIED);
      }
    },
  );

  test("shows a runner that verifies keys nothing of another organization's", async () => {
    const body = { key: victimKey.value };
    const ask = async (token: string) => (await call(service, 'POST', '/v1/api-keys/verify', { token, body })).body;
    const theirs = await ask(await attacker.machineToken('apikeys:verify'));
    for (const mark of victimMarks) expect(JSON.stringify(theirs)).not.toContain(mark);
    expect(theirs).toMatchObject({ valid: false, id: null, organization_id: null });
    expect(await ask(await victim.machineToken('apikeys:verify'))).toMatchObject({ valid: true, id: victimKey.id });
  });

  test.each(tenantRoutes.map(({ name }) => name))('refuses %s to a service token', async (name) => {
    const route = tenantRoutes.find((candidate) => candidate.name === name)!;
    expect(await attack(SERVICE_TOKEN, route)).toEqual(DENIED);
    expect(await attack(SERVICE_TOKEN, route, { query: `?organization_id=${victim.id}` })).toEqual(DENIED);
  });

  test('lets the owner reach every one of these resources', async () => {
    const { body } = await call(service, 'GET', `/v1/api-keys/${victimKey.id}?organization_id=${victim.id}`, {
      token: victimOwner,
    });
    expect(body).toMatchObject({ id: victimKey.id, metadata: { hidden: 'note' } });
    const page = await call(service, 'GET', `/v1/audit-events?after=${String(victimEvent?.['id'])}`, {
      token: victimOwner,
    });
    expect(outcome(page)).toEqual(OK);
  });
});
