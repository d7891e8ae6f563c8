import { describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../../support/api.ts';
import { startService } from '../../support/service.ts';

const PATH = '/v1/me/session';
const DAY = 86_400;

const service = await startService();
const routes = await service.withoutFastPaths();
const acme = await service.organizations.add();
const owner = await acme.session();
const key = await createKey(service, owner, { label: 'b\u00fcro \u{1f511}' });

const me = (value: string, at: { url: string } = service) =>
  call(at, 'GET', PATH, { headers: { 'x-api-key': value, 'user-agent': 'reader' } });
const linesOf = () => service.logs.filter((line) => line.includes(PATH)).length;

const counted = async (name: string, ...labels: string[]) => {
  const text = await (await fetch(`${service.url}/metrics`)).text();
  const line = text.split('\n').find((each) => [`${name}{`, ...labels].every((part) => each.includes(part)));
  return Number(line?.split(' ').at(-1) ?? 0);
};

await me(key.value);

describe('GET /v1/me/session by a key in memory', () => {
  test('answers as the route does, with the headers of helmet, and leaves no line', async () => {
    const before = linesOf();
    const [fast, slow] = [await me(key.value), await me(key.value, routes)];
    expect(fast.body).toEqual(slow.body);
    expect(fast.body['api_key_label']).toBe('b\u00fcro \u{1f511}');
    expect([...fast.headers.keys()].toSorted()).toEqual([...slow.headers.keys()].toSorted());
    expect(fast.headers.get('content-security-policy')).toBe(slow.headers.get('content-security-policy'));
    // The route has left one; the fast path none.
    await expect.poll(linesOf).toBe(before + 1);
  });

  test('counts each request and each use', async () => {
    const requests = ['latchkey_http_request_duration_seconds_count', PATH, 'status="200"'] as const;
    const before = [await counted(...requests), await counted('latchkey_verifications_total', '"valid"')];
    for (let i = 0; i < 5; i++) await me(key.value);
    const after = [await counted(...requests), await counted('latchkey_verifications_total', '"valid"')];
    expect(after).toEqual(before.map((count) => count + 5));
  });

  test('spends one of its rate each, and returns 429 with its line once that is used up', async () => {
    const limited = await createKey(service, owner, { rate_limit: { limit: 3, window_seconds: DAY } });
    const before = linesOf();
    const statuses: number[] = [];
    for (let i = 0; i < 4; i++) statuses.push((await me(limited.value)).status);
    expect(statuses).toEqual([200, 200, 200, 429]);
    const refused = await me(limited.value);
    expect(outcome(refused)).toEqual([429, 'rate_limited']);
    expect(refused.headers.get('retry-after')).not.toBeNull();
    // The first one was not in memory.
    await expect.poll(linesOf).toBe(before + 3);
  });

  test('refuses a key from the moment of its revocation, and where memory is not trusted', async () => {
    const other = await createKey(service, owner);
    expect((await me(other.value)).status).toBe(200);
    await call(service, 'DELETE', `/v1/api-keys/${other.id}`, { token: owner });
    expect(outcome(await me(other.value))).toEqual([401, 'credential_invalid']);
    const third = await createKey(service, owner);
    expect((await me(third.value)).status).toBe(200);
    const row = { organization_id: acme.id, workos_id: third.id };
    await service.db('api_keys').where(row).update({ status: 'revoked', revoked_at: service.clock() });
    service.trust.onNotification(undefined);
    expect(outcome(await me(third.value))).toEqual([401, 'credential_invalid']);
  });

  test('follows what billing lets keys read', async () => {
    const strict = await startService({}, { billing: { postures: { past_due: { api: ['wind_down'] } } } });
    const theirs = await strict.organizations.add();
    const { value } = await createKey(strict, await theirs.session());
    await me(value, strict);
    expect((await me(value, strict)).status).toBe(200);
    await strict.db('tenants').where({ organization_id: theirs.id }).update({ billing_status: 'past_due' });
    strict.trust.onNotification(undefined);
    for (let i = 0; i < 2; i++) expect(outcome(await me(value, strict))).toEqual([423, 'billing_inactive']);
  });
});
