import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { makeMetrics } from '../../src/telemetry/metrics.ts';
import { call, createKey, outcome } from '../support/api.ts';
import { metricsOf } from '../support/metrics.ts';
import { startService } from '../support/service.ts';

const service = await startService();
const readiness = () => call(service, 'GET', '/readyz');
const metrics = async () => (await fetch(`${service.url}/metrics`)).text();

const statusAt = async (url: string | undefined, path: string) => (await fetch(`${url}${path}`)).status;

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

test('GET /healthz returns 200 while the process runs', async () => {
  const { status, body } = await call(service, 'GET', '/healthz');
  expect([status, body]).toEqual([200, { status: 'ok' }]);
});

test('GET /readyz needs the database and shows WorkOS', async () => {
  await expect
    .poll(async () => (await readiness()).body)
    .toEqual({ status: 'ready', database: 'up', workos: 'up', workos_events: 'ok' });
});

test("GET /metrics sends no query; gauges over tables show the worker's last reading", async () => {
  const queries: string[] = [];
  const note = ({ sql }: { sql: string }) => void queries.push(sql);
  const other = await startService();
  await createKey(other, await (await other.organizations.add()).session());
  other.db.on('query', note);
  const scrape = async () => (await fetch(`${other.url}/metrics`)).text();
  expect(await Promise.all([scrape(), scrape(), scrape()])).not.toContain(expect.stringContaining('status="active"'));
  expect(queries).toEqual([]);
  expect(await metricsOf(other)).toContain('latchkey_api_keys{status="active"} 1\n');
  expect(queries).not.toEqual([]);
  queries.length = 0;
  expect(await scrape()).toContain('latchkey_api_keys{status="active"} 1\n');
  expect(queries).toEqual([]);
});

test('GET /readyz shares one query among concurrent requests', async () => {
  // No connection is free until all have asked.
  const { max } = (service.db.client as { pool: { max: number } }).pool;
  const held = await Promise.all(Array.from({ length: max }, () => service.db.transaction()));
  const queries: string[] = [];
  const note = ({ sql }: { sql: string }) => void queries.push(sql);
  service.db.on('query', note);
  const asked = Array.from({ length: 20 }, readiness);
  await sleep(300);
  await Promise.all(held.map((trx) => trx.commit()));
  const answers = await Promise.all(asked);
  service.db.off('query', note);
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
  expect(queries.length).toBeLessThan(20);
});

test('leaves out a gauge that cannot be read, and reads the others', async () => {
  const metrics = makeMetrics();
  metrics.tableGauges.add({ name: 'one', help: 'One.', label: 'of' }, () => Promise.reject(new Error('no table')));
  metrics.tableGauges.add({ name: 'other', help: 'Other.', label: 'of' }, () => Promise.resolve({ all: 2 }));
  await expect(metrics.tableGauges.read()).rejects.toThrow(AggregateError);
  const text = await metrics.registry.metrics();
  expect(text).toContain('other{of="all"} 2\n');
  expect(text).not.toContain('one{');
});

test('serves metrics on the operations address alone, if configured, and the page by choice', async () => {
  const apart = await startService({ LATCHKEY_OPERATIONS_PORT: '0', LATCHKEY_DOCS: 'operations' });
  for (const path of ['/metrics', '/docs', '/openapi.json']) {
    expect([path, await statusAt(apart.url, path)]).toEqual([path, 404]);
    expect([path, await statusAt(apart.operationsUrl, path)]).toEqual([path, 200]);
  }
  for (const path of ['/healthz', '/readyz']) {
    expect([await statusAt(apart.url, path), await statusAt(apart.operationsUrl, path)]).toEqual([200, 200]);
  }
  expect(await statusAt(apart.operationsUrl, '/v1/api-keys')).toBe(404);
});

test('GET /metrics counts requests by route, and keys by status', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const key = await createKey(service, owner);
  await createKey(service, owner);
  await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner });
  await call(service, 'GET', '/v1/anything');
  await service.background.runOnce('read_gauges');
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

test("makes no label from a client's path or method", async () => {
  const lines = (await metrics()).split('\n').length;
  for (let i = 0; i < 5; i++) await call(service, 'GET', `/v1/invented-${i}?x=${i}`);
  for (const method of ['PROPFIND', 'REPORT', 'SEARCH']) await fetch(`${service.url}/v1/invented`, { method });
  const text = await metrics();
  expect(text).not.toContain('invented');
  expect(text).not.toMatch(/PROPFIND|REPORT|SEARCH/);
  expect(text.split('\n').length - lines).toBeLessThan(40);
});

// The last: from here on there is no database.
test('returns 503 on every route without its database, and goes on running', async () => {
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
