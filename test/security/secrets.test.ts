import { createHash, randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { createPolicy, exchange, jobToken } from '../ci/ci.ts';
import { call, createKey, outcome, requestKey, verifyKey } from '../support/api.ts';
import { dumpFiles, dumpRows, mayReadFiles } from '../support/dump.ts';
import { OK, OPAQUE, REFRESH, UNAVAILABLE, signedIn } from '../sessions/opaque/opaque.ts';
import { rawCall } from '../support/raw.ts';
import { sealSession } from '../support/sealed-session.ts';
import { COOKIE_PASSWORD, SERVICE_TOKEN, startService } from '../support/service.ts';

const SECRET = randomBytes(32).toString('hex');
const service = await startService(
  { LATCHKEY_SECRET: SECRET, WORKOS_TIMEOUT_MS: '1000' },
  { product: { sessions: OPAQUE } },
);
const CANARY = 'canary-label-in-plain-sight';
const IDEMPOTENCY_KEY = `idempotency-${randomBytes(12).toString('hex')}`;

/** All secrets of this run, by name. */
const secrets = new Map<string, string>([
  ['LATCHKEY_SECRET', SECRET],
  ['the cookie password', COOKIE_PASSWORD],
  ['the service token', SERVICE_TOKEN],
  ["the environment's WorkOS secret", service.workos.apiKey],
  ["a client's idempotency key", IDEMPOTENCY_KEY],
]);
const keep = (name: string, secret: string): string => {
  secrets.set(`${name} ${secrets.size}`, secret);
  return secret;
};

const acme = await service.organizations.add();
const owner = keep('a session', await acme.session('owner'));
const runner = keep('a machine token', await acme.machineToken('apikeys:write apikeys:read audit:read'));
const cookie = keep('a sealed session', await sealSession(owner));
const newKey = async (extra: object = {}) => {
  const key = await createKey(service, owner, { permission_set: 'full_access', ...extra });
  keep('a key', key.value);
  return key;
};

async function live(): Promise<void> {
  const key = await newKey({ label: CANARY, metadata: { team: 'x' } });
  await call(service, 'GET', '/v1/me/session', { token: key.value });
  await call(service, 'GET', '/v1/audit-events', { headers: { 'x-api-key': key.value } });
  await call(service, 'GET', '/v1/me/session', { headers: { cookie: `wos_session=${cookie}` } });
  await call(service, 'PATCH', `/v1/api-keys/${key.id}`, { token: runner, body: { label: `${CANARY} 2` } });
  await call(service, 'PUT', `/v1/organizations/${acme.id}/billing`, {
    token: SERVICE_TOKEN,
    body: { status: 'active', plan: 'scale' },
  });
  const revoked = await newKey();
  await call(service, 'DELETE', `/v1/api-keys/${revoked.id}`, { token: owner });
  await call(service, 'GET', '/v1/me/session', { token: revoked.value });
  await repeat();
  await runJob();
  await verifyAndRotate(key.id, key.value);
}

async function verifyAndRotate(id: string, value: string): Promise<void> {
  const unknown = keep('an unknown key', `sk_${randomBytes(24).toString('hex')}`);
  for (const key of [value, unknown]) await verifyKey(service, { key });
  await verifyKey(service, { keys: [{ key: value }, { key: unknown }] });
  await verifyKey(service, { key: value, scopes: [value] });
  await call(service, 'GET', '/v1/auth/forward', { token: value, headers: { 'x-forwarded-uri': `/?key=${value}` } });
  const rotated = await call(service, 'POST', `/v1/api-keys/${id}/rotate`, { token: owner, body: {} });
  keep('a successor', String(rotated.body['value']));
}

/** The same request twice under one key: its answer, secret included, is kept somewhere between the two. */
async function repeat(): Promise<void> {
  const headers = { 'idempotency-key': IDEMPOTENCY_KEY };
  const body = { label: 'repeated', permission_set: 'read_only' };
  const ask = () => call(service, 'POST', '/v1/api-keys', { token: owner, headers, body });
  const [first, second] = [await ask(), await ask()];
  keep('a repeated key', String(first.body['value']));
  keep('a repeated key', String(second.body['value']));
}

/** A CI session, which creates a key; its tokens are used where they belong, and where not. */
async function runJob(): Promise<void> {
  const policy = await createPolicy(service, owner, { issue: 'session' });
  const job = keep('a token of a CI job', await jobToken(service, acme));
  const { body } = await exchange(service, { policy, token: job, idempotencyKey: IDEMPOTENCY_KEY });
  const session = keep('a CI session', String(body['access_token']));
  const revoking = keep('a revoke token', String(body['revoke_token']));
  expect(session).toMatch(/^lkcs_/);
  const made = await requestKey(service, session, { permission_set: 'submit_observe' });
  keep('a key of a CI session', String(made.body['value']));
  await call(service, 'GET', `/v1/api-keys?q=${session}`, { token: session });
  await call(service, 'GET', `/v1/ci/policies/${session}`, { token: session });
  await verifyKey(service, { key: session });
  await call(service, 'POST', '/v1/ci/explain', { body: { policy, subject_token: job } });
  await exchange(service, { policy, token: job });
  await exchange(service, { policy: session, token: keep('a forged CI token', `${job.slice(0, -4)}AAAA`) });
  await call(service, 'POST', '/v1/ci/revoke', { body: { revoke_token: session } });
  await call(service, 'POST', '/v1/ci/revoke', { body: { revoke_token: revoking } });
  await call(service, 'GET', '/v1/api-keys', { token: session });
}

/** An opaque session, which is used, renewed and refused; its token also goes where it does not belong. */
async function useSession(): Promise<void> {
  const person = await signedIn(service);
  const token = keep('an opaque session', person.token);
  expect(await person.outcomeAt()).toEqual(OK);
  await service.db('session_tokens').update({ facts_until: service.clock() });
  service.trust.onNotification('anything');
  service.workos.faults.add({ kind: 'reset_after', ...REFRESH });
  for (const expected of [UNAVAILABLE, OK]) expect(await person.outcomeAt()).toEqual(expected);
  const wrong = keep('a wrong opaque session', `${token.slice(0, -2)}zz`);
  await call(service, 'GET', '/v1/me/session', { token: wrong });
  await call(service, 'GET', `/v1/me/session?api_key=${token}`, { headers: { 'x-api-key': token } });
  await verifyKey(service, { key: token });
  await call(service, 'POST', '/v1/auth/login', { body: { email: token, password: token } });
  await call(service, 'POST', '/v1/auth/logout', { token });
  await call(service, 'GET', '/v1/me/session', { token });
}

/** Secrets where they do not belong, and requests that fail halfway. */
async function stumble(): Promise<void> {
  const { value, id } = await newKey();
  const wrong = keep('a wrong key', `${value.slice(0, -2)}zz`);
  const forged = keep('a forged session', `${owner.slice(0, -4)}AAAA`);
  for (const token of [wrong, forged]) await call(service, 'GET', '/v1/me/session', { token });
  await call(service, 'GET', '/v1/me/session', { headers: { 'x-api-key': owner, 'x-access-token': value } });
  await call(service, 'GET', '/v1/me/session', { headers: { authorization: `Basic ${value}` } });
  await call(service, 'GET', '/v1/me/session', { headers: { cookie: `wos_session=${value}` } });
  await call(service, 'GET', `/v1/me/session?api_key=${value}&token=${owner}`);
  await call(service, 'GET', `/v1/api-keys?q=${value}`, { token: owner });
  await call(service, 'GET', `/v1/api-keys?after=${value}`, { token: owner });
  await call(service, 'GET', `/v1/api-keys/${value}`, { token: owner });
  await call(service, 'DELETE', `/v1/api-keys/${value}`, { token: owner });
  await call(service, 'GET', `/nowhere/${value}?x=${owner}`);
  await call(service, 'POST', '/v1/api-keys', { token: owner, body: { api_key: value, [value]: 1 } });
  await call(service, 'POST', '/v1/api-keys', { token: owner, body: `{"api_key":"${value}"` });
  await rawCall(service, 'GET', '/v1/organization', {
    headers: { 'x-api-key': [value, wrong], referer: `/?k=${value}` },
  });
  await failHalfway(id, value);
}

async function failHalfway(id: string, value: string): Promise<void> {
  const at = { method: 'POST', path: '/organizations/:id/api_keys' };
  service.workos.faults.add({ kind: 'status', status: 422, body: { message: `no ${value}`, errors: [value] }, ...at });
  expect(outcome(await requestKey(service, owner, { label: 'refused' }))).toEqual([502, 'workos_rejected']);
  for (const kind of ['lost_answer', 'malformed_json', 'reset_after'] as const) {
    service.workos.faults.add({ kind, ...at });
    expect(outcome(await requestKey(service, owner, { label: 'unknown' }))).toEqual([503, 'workos_unavailable']);
  }
  service.workos.faults.add({ kind: 'status', status: 500, method: 'DELETE', path: '/api_keys/:id' });
  await call(service, 'DELETE', `/v1/api-keys/${id}`, { token: owner });
  await service.db.raw(`
    create function fail() returns trigger language plpgsql as $$ begin raise exception 'the database fails'; end $$;
    create trigger fail before update on api_keys for each row when (new.label = 'fails') execute function fail();
  `);
  expect(outcome(await requestKey(service, owner, { label: 'fails' }))).toEqual([500, 'internal_error']);
}

beforeAll(async () => {
  await live();
  await stumble();
  await useSession();
});

/** The ways in which a secret may hide in a text, in a dump of bytes, or behind a fast hash. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const forms = [
    secret,
    bytes.toString('hex'),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
  ];
  const hash = createHash('sha256').update(secret).digest();
  const bare = secret.startsWith('eyJ')
    ? [secret.split('.')[2] ?? '']
    : [secret.replace(/^(?:sk|lkcs|lkrv)_/, '')].filter((form) => form !== secret);
  // The environment's secret of the tests, without its prefix, is a word that anything may contain.
  return [...forms, hash.toString('hex'), hash.toString('base64'), ...bare.filter((form) => form.length > 20)];
}

function leaksIn(text: string): string[] {
  return [...secrets].filter(([, secret]) => formsOf(secret).some((form) => text.includes(form))).map(([name]) => name);
}

describe('the scan for secrets', () => {
  test('finds a secret that is there', () => {
    expect(leaksIn(`x${SERVICE_TOKEN}x`)).toEqual(['the service token']);
    expect(leaksIn(Buffer.from(owner).toString('hex'))).toEqual([expect.stringMatching(/^a session/)]);
    expect(secrets.size).toBeGreaterThanOrEqual(19);
  });
});

describe('no secret of a whole run is found', () => {
  test('in the rows of the database', async () => {
    const rows = await dumpRows(service.db);
    expect(rows).toContain(CANARY);
    expect(rows).toContain(acme.id);
    expect(leaksIn(rows)).toEqual([]);
  });

  test('in the files of the database', async () => {
    const files = (await mayReadFiles(service.db)) ? await dumpFiles(service.db) : CANARY;
    expect(files).toContain(CANARY);
    expect(leaksIn(files)).toEqual([]);
  });

  test('in the logs', () => {
    const logs = service.logs.join('');
    expect(logs).toContain(acme.id);
    expect(logs).toContain('"level":"error"');
    expect(leaksIn(logs)).toEqual([]);
  });

  test('in the metrics, which name no organization and no key', async () => {
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics.includes('route="/v1/api-keys/{id}"')).toBe(true);
    expect(leaksIn(metrics)).toEqual([]);
    expect(metrics).not.toMatch(/org_|api_key_\w{26}|user_\w+_owner|127\.0\.0\.1/);
  });

  test('in the audit log', async () => {
    const { body } = await call(service, 'GET', '/v1/audit-events?limit=100', { token: owner });
    const text = JSON.stringify(body);
    expect(text).toContain(CANARY);
    expect(leaksIn(text)).toEqual([]);
  });

  test('in the keys that the local WorkOS lists', async () => {
    const headers = { authorization: `Bearer ${service.workos.apiKey}` };
    const url = `${service.workos.url}/organizations/${acme.id}/api_keys?limit=100`;
    const text = await (await fetch(url, { headers })).text();
    expect(text).toContain(CANARY);
    expect(leaksIn(text)).toEqual([]);
  });
});
