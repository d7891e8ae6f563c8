import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { runEntry } from '../../process/start.ts';
import { call } from '../../support/api.ts';
import { environment } from '../../support/service.ts';
import { makeClient, say } from '../client.ts';
import type { Key } from '../client.ts';
import { ask, startCluster } from '../cluster.ts';
import { check } from '../history.ts';
import { becomesReady, countOf, readAll, startLoad } from '../load.ts';
import { startPgbouncer } from './pgbouncer.ts';

const POOL_SIZE = 4;
const LOAD_MS = 4_000;
/** Sooner than the next heartbeat would read it: by a notification. */
const NOTIFIED_MS = 250;

const cluster = await startCluster({ synchronous: false });
const { primary, workos } = cluster;
const pooler = await startPgbouncer(primary, { poolSize: POOL_SIZE });
const pooled = { DATABASE_URL: pooler.url, DATABASE_LISTEN_URL: primary.url };
const replicas = await Promise.all([
  cluster.replica(pooler.url, { env: pooled }),
  cluster.replica(pooler.url, { env: pooled }),
] as const);
const [first, second] = replicas;
const client = await makeClient(cluster, replicas);

async function connectionsOf(name: string): Promise<number> {
  const [row] = await ask(
    primary,
    `select count(*)::int as n from pg_stat_activity where application_name = '${name}' and pid <> pg_backend_pid()`,
  );
  return Number(row?.['n']);
}

test('keys are made, read, changed, rotated and revoked through a pooler, and revocations are notified past it', async () => {
  const token = await client.acme.session();
  for (let i = 0; i < 5; i++) {
    const key = await client.create(first);
    for (const replica of replicas) await client.warm(replica, key);
    const changed = await call(second, 'PATCH', `/v1/api-keys/${key.id}`, { token, body: { label: 'changed' } });
    expect([changed.status, changed.body['label']]).toEqual([200, 'changed']);
    const rotated = await call(second, 'POST', `/v1/api-keys/${key.id}/rotate`, { token, body: {} });
    expect(rotated.status).toBe(201);
    const successor = rotated.body as unknown as Key;
    for (const replica of replicas) await client.warm(replica, successor);
    expect(await client.revoke(first, successor)).toBe('ok');
    const revokedAt = performance.now();
    let { code } = await client.verify(second, successor);
    while (code === 'valid' && performance.now() - revokedAt < NOTIFIED_MS)
      ({ code } = await client.verify(second, successor));
    expect(code).toBe('revoked');
  }
});

test('a load of writes and reads shares few connections of the server, and nothing acknowledged is lost', async () => {
  const load = startLoad(client, replicas);
  let most = 0;
  const end = performance.now() + LOAD_MS;
  while (performance.now() < end) {
    most = Math.max(most, await connectionsOf('latchkey'));
    await sleep(50);
  }
  const history = await load.stop();
  // Without payment no key is made, which is no failure.
  expect(history.writes.filter(({ f, outcome }) => f !== 'create' && outcome !== 'ok')).toEqual([]);
  expect(history.writes.length).toBeGreaterThan(20);
  expect(check(history, await readAll(client, replicas, history))).toEqual([]);
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(POOL_SIZE);
  expect(await connectionsOf('latchkey listener')).toBe(replicas.length);
  say(`${countOf(history)}; at most ${most} connections of the server, and one of each replica that listens`);
});

test('without the pooler memory still answers; with it back, everything does', async () => {
  expect(await client.bill(first, 'active')).toBe('ok');
  const [known, unknown] = [await client.create(first), await client.create(second)];
  await client.warm(first, known);
  await pooler.kill();
  expect((await client.verify(first, known)).code).toBe('valid');
  expect(await client.verify(first, unknown)).toMatchObject({ status: 503, code: 'database_unavailable' });
  await pooler.begin();
  await Promise.all(replicas.map((replica) => becomesReady(client, replica)));
  expect((await client.verify(first, unknown)).code).toBe('valid');
  expect(await client.revoke(second, unknown)).toBe('ok');
});

test('commands go through the pooler, too', async () => {
  const reconciled = await runEntry('cli/reconcile', { ...environment(workos), ...pooled });
  expect([reconciled.code, reconciled.stderr]).toEqual([0, '']);
});

test.each([
  ['where nobody listens', 'postgres://127.0.0.1:1/postgres', /ECONNREFUSED/],
  ['of a standby', cluster.standby.url, /standby/],
])('a start with a DATABASE_LISTEN_URL %s says so and stops', async (_which, url, reason) => {
  const given = { ...environment(workos), ...pooled, PORT: '0', DATABASE_LISTEN_URL: url };
  const refused = await runEntry('main', given);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/^The database cannot be reached/)]);
  expect(refused.stderr).toMatch(reason);
});
