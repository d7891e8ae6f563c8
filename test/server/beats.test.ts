import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { call, createKey, outcome, verifyKey } from '../support/api.ts';
import type { Answer, CreatedKey } from '../support/api.ts';
import { listenToInvalidations } from '../support/event-stream.ts';
import { SERVICE_TOKEN } from '../support/service.ts';
import { startReplicas } from './start-replicas.ts';
import type { Replica } from './start-replicas.ts';

const PROOF_MS = 3_000;

const cluster = await startReplicas();
const first = await cluster.start();
const second = await cluster.start();
const lenient = await cluster.start({ LATCHKEY_STALE_GRACE_MS: '4000' });
const acme = await cluster.organizations.add({ status: 'active', plan: 'scale' });
const owner = () => acme.session('owner');

const ready = async (replica: Replica) => outcome(await call(replica, 'GET', '/readyz'));
const latchkeyHeaders = ({ headers }: Answer) =>
  [...headers].filter(([name]) => name.startsWith('x-latchkey-')).toSorted(([a], [b]) => (a < b ? -1 : 1));
/** Every replica has seen a beat again, so that the next test does not begin on one that still refuses. */
async function allReady(): Promise<void> {
  for (const replica of [first, second, lenient])
    await expect.poll(() => ready(replica), { timeout: 5_000 }).toEqual([200, undefined]);
}
const beats = async () => Number((await cluster.db('invalidation_beats').first('number')).number);

async function warm(replica: Replica, key: CreatedKey): Promise<void> {
  await expect
    .poll(async () => (await verifyKey(replica, { key: key.value })).body['source'], { interval: 5, timeout: 5_000 })
    .toBe('cache');
}

/** No beat is committed from here on, as on a primary whose standby was promoted, and `tables` cannot be read. */
async function stopBeats(...tables: string[]): Promise<() => Promise<void>> {
  const trx = await cluster.db.transaction();
  await trx.raw('set local idle_in_transaction_session_timeout = 0');
  await trx.raw('select from invalidation_beats for update');
  for (const table of tables) await trx.raw('lock table ?? in access exclusive mode', [table]);
  const go = async () => void (await trx.rollback());
  onTestFinished(go);
  return go;
}

test('one beat a second is committed, however many replicas there are', async () => {
  const before = await beats();
  const from = performance.now();
  await sleep(5_000);
  const seconds = (performance.now() - from) / 1_000;
  const committed = (await beats()) - before;
  expect(committed).toBeGreaterThanOrEqual(2);
  expect(committed).toBeLessThanOrEqual(Math.ceil(seconds) + 1);
});

test('without beats every replica refuses within 3 seconds, although its database answers, and comes back', async () => {
  const key = await createKey(first, await owner());
  await Promise.all([warm(first, key), warm(second, key)]);
  const stream = await listenToInvalidations(second, SERVICE_TOKEN);
  const go = await stopBeats();
  await sleep(PROOF_MS + 50);
  for (const replica of [first, second]) {
    expect(outcome(await verifyKey(replica, { key: key.value }))).toEqual([503, 'database_unavailable']);
    expect(await ready(replica)).toEqual([503, 'database_unavailable']);
    const mine = await call(replica, 'GET', '/v1/api-keys', { token: await owner() });
    expect(outcome(mine)).toEqual([503, 'database_unavailable']);
    const forwarded = await call(replica, 'GET', '/v1/auth/forward', { token: key.value });
    expect(outcome(forwarded)).toEqual([503, 'database_unavailable']);
    expect((await call(replica, 'GET', '/healthz')).status).toBe(200);
  }
  await stream.ended;
  await go();
  await allReady();
  expect((await verifyKey(second, { key: key.value })).body).toMatchObject({ code: 'valid', stale: false });
});

test('with a grace known keys are answered as stale for so long, and unknown ones are not', async () => {
  const [known, other] = [await createKey(first, await owner()), await createKey(first, await owner())];
  await warm(lenient, known);
  const go = await stopBeats('tenants', 'api_keys');
  await sleep(PROOF_MS + 50);
  expect((await verifyKey(lenient, { key: known.value })).body).toMatchObject({
    valid: true,
    source: 'cache',
    stale: true,
  });
  const forwarded = await call(lenient, 'GET', '/v1/auth/forward', { token: known.value });
  expect([forwarded.status, forwarded.headers.get('x-latchkey-stale')]).toEqual([200, 'true']);
  // A request with a body is left to the route, which answers alike and asks the database no more than the fast path does.
  const routed = await call(lenient, 'POST', '/v1/auth/forward?operation=read', { token: known.value, body: {} });
  expect([routed.status, routed.body]).toEqual([200, forwarded.body]);
  expect(latchkeyHeaders(routed)).toEqual(latchkeyHeaders(forwarded));
  expect(outcome(await verifyKey(lenient, { key: other.value }))).toEqual([503, 'database_unavailable']);
  expect(await ready(lenient)).toEqual([503, 'database_unavailable']);
  await sleep(4_000);
  expect(outcome(await verifyKey(lenient, { key: known.value }))).toEqual([503, 'database_unavailable']);
  await go();
  await allReady();
  await expect
    .poll(async () => (await verifyKey(lenient, { key: known.value })).body['stale'], { timeout: 5_000 })
    .toBe(false);
});

test('a row of the log without a notification is read, even if it commits after younger ones', async () => {
  const [early, late] = [await createKey(first, await owner()), await createKey(first, await owner())];
  await warm(second, early);
  await warm(second, late);
  const change = { status: 'revoked', revoked_at: new Date() };
  const trx = await cluster.db.transaction();
  await trx('invalidations').insert({ organization_id: acme.id, key_id: late.id });
  await trx('api_keys').where({ workos_id: late.id }).update(change);
  await cluster.db('api_keys').where({ workos_id: early.id }).update(change);
  await cluster.db('invalidations').insert({ organization_id: acme.id, key_id: early.id });
  await expect
    .poll(async () => (await verifyKey(second, { key: early.value })).body['code'], { timeout: 2_000 })
    .toBe('revoked');
  await sleep(1_500);
  expect((await verifyKey(second, { key: late.value })).body['code']).toBe('valid');
  await trx.commit();
  await expect
    .poll(async () => (await verifyKey(second, { key: late.value })).body['code'], { timeout: 2_000 })
    .toBe('revoked');
});

test('a suspension and its end whose notifications are lost are believed within 3 seconds', async () => {
  const key = await createKey(first, await owner());
  await warm(second, key);
  const at = { suspended_at: new Date(), suspended_by_kind: 'user', suspended_by_id: acme.userId('owner') };
  const none = { suspended_at: null, suspended_by_kind: null, suspended_by_id: null };
  for (const [columns, code] of [
    [at, 'suspended'],
    [none, 'valid'],
  ] as const) {
    await cluster.db.transaction(async (trx) => {
      await trx('api_keys').where({ workos_id: key.id }).update(columns);
      await trx('invalidations').insert({ organization_id: acme.id, key_id: key.id });
    });
    const verdict = async () => (await verifyKey(second, { key: key.value })).body['code'];
    await expect.poll(verdict, { timeout: PROOF_MS, interval: 10 }).toBe(code);
  }
});
