import { afterEach, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import type { Answer } from '../support/api.ts';
import { workosRequests } from '../support/workos-keys.ts';
import { create, expectedEverywhere, inOrder, startBehindProxy, timed } from './start.ts';

const { service, proxy } = await startBehindProxy();

afterEach(async () => {
  proxy.refuse(false);
  proxy.stall(false);
});

const list = (token: string) => call(service, 'GET', '/v1/api-keys', { token });
const sayOf = (answer: Answer) => outcome(answer).join(' ').trim();

/** Ends the sessions of the service as a restart of the server does. */
async function restartServer(): Promise<void> {
  await service.db.raw(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid()`,
  );
}

test.each([
  ['cuts every connection', async () => proxy.cut()],
  ['restarts', restartServer],
])('recovers without a restart when the database %s under load', async (_what, disturb) => {
  const acme = await service.organizations.add({ status: 'active', plan: 'scale' });
  const owner = await acme.session();
  const received: string[] = [];
  const seen = new Set<string>();
  const until = performance.now() + 3_000;
  async function load(): Promise<void> {
    while (performance.now() < until) {
      seen.add(sayOf(await list(owner)));
      if (received.length > 80) continue;
      const made = await create(service, owner);
      if (made.status === 201) received.push(String(made.body['id']));
      seen.add(sayOf(made));
    }
  }
  const loads = Array.from({ length: 6 }, load);
  for (let i = 0; i < 4; i++) {
    await new Promise((resolve) => setTimeout(resolve, 300));
    await disturb();
  }
  await Promise.all(loads);
  expect([...seen].filter((say) => !['200', '201', '503 database_unavailable'].includes(say))).toEqual([]);
  expect(received.length).toBeGreaterThan(0);
  for (let i = 0; i < 10; i++) expect((await list(owner)).status).toBe(200);
  const { there, here } = await expectedEverywhere(service, acme.id);
  expect(there).toEqual(here);
  // Every key that a caller got is in the list; one whose answer was lost is there for its owner to revoke.
  expect(here).toEqual(expect.arrayContaining(inOrder(received)));
});

test('answers 503 within a bounded wait while the database is down, and recovers when it is back', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  await list(owner);
  proxy.refuse(true);
  const answers = await Promise.all(
    [list, list, create.bind(undefined, service)].map((ask) => timed(() => ask(owner))),
  );
  for (const { answer, elapsedMs } of answers) {
    expect(sayOf(answer)).toBe('503 database_unavailable');
    expect(answer.headers.get('retry-after')).toBe('2');
    expect(elapsedMs).toBeLessThan(5_000);
  }
  expect((await call(service, 'GET', '/healthz')).status).toBe(200);
  expect((await call(service, 'GET', '/readyz')).status).toBe(503);
  proxy.refuse(false);
  expect((await list(owner)).status).toBe(200);
  expect((await create(service, owner)).status).toBe(201);
});

test('a loop that could not reach the database does its work when it is back', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const key = await createKey(service, owner);
  service.workos.faults.add({ kind: 'status', status: 503, method: 'DELETE' });
  await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: owner });
  service.clock.advance(10_000);
  proxy.refuse(true);
  await expect(service.background.runOnce('settle')).rejects.toThrow(/timeout|Timeout|connect/i);
  proxy.refuse(false);
  expect(await expectedEverywhere(service, acme.id)).toEqual({ there: [], here: [] });
});

test('answers 503 within a bounded wait while the database is silent, and recovers when it answers again', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  await Promise.all([list(owner), list(owner), list(owner)]);
  proxy.stall(true);
  const answers = await Promise.all(Array.from({ length: 4 }, () => timed(() => list(owner))));
  for (const { answer, elapsedMs } of answers) {
    expect(sayOf(answer)).toBe('503 database_unavailable');
    expect(elapsedMs).toBeLessThan(11_000);
  }
  proxy.stall(false);
  const { answer, elapsedMs } = await timed(() => list(owner));
  expect(answer.status).toBe(200);
  expect(elapsedMs).toBeLessThan(2_000);
});

test('a database that falls silent in the middle of a creation leaves no orphan', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  await list(owner);
  const path = `/organizations/${acme.id}/api_keys`;
  service.workos.faults.add({ kind: 'latency', ms: 1_000, method: 'POST', path });
  const creation = timed(() => create(service, owner));
  await expect.poll(() => workosRequests(service, 'POST', path), { interval: 5 }).toBe(1);
  proxy.stall(true);
  const { answer, elapsedMs } = await creation;
  expect(sayOf(answer)).toBe('503 database_unavailable');
  expect(elapsedMs).toBeLessThan(25_000);
  proxy.stall(false);
  expect(await expectedEverywhere(service, acme.id)).toEqual({ there: [], here: [] });
});
