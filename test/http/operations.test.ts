import { expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const readiness = () => call(service, 'GET', '/readyz');
const metrics = async () => (await fetch(`${service.url}/metrics`)).text();

/** Name and labels, in the order of the alphabet, to value. */
async function samples(): Promise<Map<string, number>> {
  const lines = (await metrics()).matchAll(/^(\w+)\{(.*)\} (\S+)$/gm);
  return new Map(
    Array.from(lines, ([, name, labels = '', value]): [string, number] => [
      `${name}{${labels.split(',').toSorted().join(',')}}`,
      Number(value),
    ]),
  );
}

test('the process says that it runs', async () => {
  const { status, body } = await call(service, 'GET', '/healthz');
  expect([status, body]).toEqual([200, { status: 'ok' }]);
});

test('readiness needs the database and shows WorkOS', async () => {
  await expect.poll(async () => (await readiness()).body).toEqual({ status: 'ready', database: 'up', workos: 'up' });
});

test('metrics count requests by route, and keys by status', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const key = await createKey(service, owner);
  await createKey(service, owner);
  await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner });
  await call(service, 'GET', '/v1/anything');
  const counts = await samples();
  const requests = (labels: string) => counts.get(`latchkey_http_request_duration_seconds_count{${labels}}`);
  expect(requests('method="POST",route="/v1/api-keys",status="201"')).toBe(2);
  expect(requests('method="DELETE",route="/v1/api-keys/{id}",status="200"')).toBe(1);
  expect(requests('method="GET",route="unmatched",status="404"')).toBe(1);
  expect(counts.get('latchkey_api_keys{status="active"}')).toBe(1);
  expect(counts.get('latchkey_api_keys{status="revoked"}')).toBe(1);
  const calls = (operation: string) =>
    counts.get(`latchkey_workos_call_duration_seconds_count{operation="${operation}",outcome="ok"}`);
  expect([calls('create_key'), calls('delete_key')]).toEqual([2, 1]);
  expect(counts.get('latchkey_database_connections{state="waiting"}')).toBe(0);
});

test("a client's inventions make no metric of their own", async () => {
  const lines = (await metrics()).split('\n').length;
  for (let i = 0; i < 5; i++) await call(service, 'GET', `/v1/invented-${i}?x=${i}`);
  for (const method of ['PROPFIND', 'REPORT', 'SEARCH']) await fetch(`${service.url}/v1/invented`, { method });
  const text = await metrics();
  expect(text).not.toContain('invented');
  expect(text).not.toMatch(/PROPFIND|REPORT|SEARCH/);
  expect(text.split('\n').length - lines).toBeLessThan(40);
});

// The last: from here on there is no database.
test('without its database the service says so on every route, and lives', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const { value } = await createKey(service, owner);
  await service.db.destroy();
  const ready = await readiness();
  expect(outcome(ready)).toEqual([503, 'database_unavailable']);
  expect(ready.headers.get('retry-after')).toBe('2');
  const body = { label: 'a', permission_set: 'read_only' };
  for (const answer of [
    await call(service, 'GET', '/v1/api-keys', { token: owner }),
    await call(service, 'POST', '/v1/api-keys', { token: owner, body }),
    await call(service, 'DELETE', '/v1/api-keys/api_key_x', { token: owner }),
    await call(service, 'GET', '/v1/audit-events', { token: value }),
  ]) {
    expect(outcome(answer)).toEqual([503, 'database_unavailable']);
    expect(answer.headers.get('retry-after')).toBe('2');
    expect(answer.body.error.message).not.toMatch(/knex|pool|pg|connect ECONN/i);
  }
  expect((await call(service, 'GET', '/healthz')).status).toBe(200);
  expect((await call(service, 'GET', '/v1/api-keys/permissions', { token: owner })).status).toBe(200);
  expect(await metrics()).toContain('latchkey_http_request_duration_seconds_count');
});
