import { afterEach, expect, test } from 'vitest';
import type { FaultInput } from '../../src/emulator/faults/faults.ts';
import { call, createKey, outcome } from '../support/api.ts';
import type { CreatedKey } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { failAt, takeWorkosDown } from '../support/workos-faults.ts';
import { keysAtWorkos, workosRequests, worksAtWorkos } from '../support/workos-keys.ts';
import { keyRow } from '../support/key-row.ts';

const TIMEOUT_MS = 300;
const HOLD_OFF_MS = 10_000;
const service = await startService({ WORKOS_TIMEOUT_MS: String(TIMEOUT_MS) });

afterEach(() => service.workos.faults.clear());

const rotate = (token: string, id: string, body: object = {}) =>
  call(service, 'POST', `/v1/api-keys/${id}/rotate`, { token, body });
const works = async ({ value }: Pick<CreatedKey, 'value'>) =>
  (await call(service, 'GET', '/v1/me/session', { token: value })).status === 200;
const liveIn = async (organizationId: string) =>
  (await keysAtWorkos(service, organizationId)).map(({ id }) => id).toSorted();
const settle = () => service.background.runOnce('settle');

test.each<[string, FaultInput, [number, string], number]>([
  ['does not answer in time', { kind: 'hang' }, [503, 'workos_unavailable'], 0],
  ['resets before the work', { kind: 'reset_before' }, [503, 'workos_unavailable'], 0],
  ['resets after the work', { kind: 'reset_after' }, [503, 'workos_unavailable'], 1],
  ['loses the answer', { kind: 'lost_answer' }, [503, 'workos_unavailable'], 1],
  ['answers half', { kind: 'malformed_json' }, [503, 'workos_unavailable'], 1],
  ['answers nothing', { kind: 'empty_body' }, [503, 'workos_unavailable'], 1],
  ['answers 500', { kind: 'status', status: 500 }, [503, 'workos_unavailable'], 0],
  ['answers 429', { kind: 'status', status: 429 }, [503, 'workos_unavailable'], 0],
  ['answers 422', { kind: 'status', status: 422 }, [502, 'workos_rejected'], 0],
  ['answers 401', { kind: 'status', status: 401 }, [502, 'workos_rejected'], 0],
])('a rotation for which WorkOS %s leaves the old key as it was', async (_what, fault, expected, madeThere) => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const old = await createKey(service, owner);
  failAt(service, 'create', fault);
  expect(outcome(await rotate(owner, old.id))).toEqual(expected);
  expect(workosRequests(service, 'POST', `/organizations/${acme.id}/api_keys`)).toBe(2);
  expect(await liveIn(acme.id)).toHaveLength(1 + madeThere);
  service.clock.advance(HOLD_OFF_MS);
  await settle();
  expect(await liveIn(acme.id)).toEqual([old.id]);
  expect(await works(old)).toBe(true);
  expect(await worksAtWorkos(service, old.value)).toBe(true);
  expect(await keyRow(service.db, old.id)).toMatchObject({
    status: 'active',
    rotated_to: null,
    expires_at: null,
    due_at: null,
  });
  expect((await rotate(owner, old.id)).status).toBe(201);
});

test.each<[string, FaultInput]>([
  ['does not answer', { kind: 'hang' }],
  ['answers 500', { kind: 'status', status: 500 }],
  ['answers 401', { kind: 'status', status: 401 }],
  ['answers 429', { kind: 'status', status: 429 }],
  ['resets after the work', { kind: 'reset_after' }],
])('an old key that WorkOS %s about has ended here at once and ends there later', async (_what, fault) => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const old = await createKey(service, owner);
  failAt(service, 'expire', fault);
  const answer = await rotate(owner, old.id);
  expect(outcome(answer)).toEqual([201, undefined]);
  expect(await works(old)).toBe(false);
  expect(await works({ value: String(answer.body['value']) })).toBe(true);
  expect(await keyRow(service.db, old.id)).toMatchObject({ workos_expires_at: null, due_at: expect.any(Date) });
  service.clock.advance(10_000);
  await settle();
  expect(await worksAtWorkos(service, old.value)).toBe(false);
  expect(await keyRow(service.db, old.id)).toMatchObject({ workos_expires_at: expect.any(Date), due_at: null });
});

test('a grace that did not reach WorkOS ends there at the same time as here', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const old = await createKey(service, owner);
  failAt(service, 'expire', { kind: 'reset_before' });
  await rotate(owner, old.id, { grace_seconds: 3_600 });
  service.clock.advance(10_000);
  await settle();
  const { expires_at: here } = await keyRow(service.db, old.id);
  const there = (await keysAtWorkos(service, acme.id)).find(({ id }) => id === old.id);
  expect(there?.expires_at).toBe(here.toISOString());
  expect(await works(old)).toBe(true);
});

test('a key that was deleted at WorkOS meanwhile is still rotated', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const old = await createKey(service, owner);
  await fetch(`${service.workos.url}/api_keys/${old.id}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${service.workos.apiKey}` },
  });
  expect(outcome(await rotate(owner, old.id, { grace_seconds: 60 }))).toEqual([201, undefined]);
  expect(await keyRow(service.db, old.id)).toMatchObject({ due_at: null });
});

test.each([2, 10])('of %i rotations of one key at once one succeeds, and no key is left over', async (requests) => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const old = await createKey(service, owner);
  const answers = await Promise.all(Array.from({ length: requests }, () => rotate(owner, old.id)));
  const made = answers.filter(({ status }) => status === 201);
  const refused = answers.filter(({ status }) => status !== 201);
  expect(made).toHaveLength(1);
  expect(new Set(refused.map((answer) => outcome(answer).join(' ')))).toEqual(new Set(['400 validation_error']));
  const successor = String(made[0]?.body['id']);
  expect(await liveIn(acme.id)).toEqual([old.id, successor].toSorted());
  expect(await keyRow(service.db, old.id)).toMatchObject({ rotated_to: successor });
  const events = await service
    .db('audit_events')
    .where({ organization_id: acme.id })
    .orderBy('sequence')
    .pluck('action');
  expect(events).toEqual(['api_key.created', 'api_key.created', 'api_key.rotated']);
});

test('the losers of a race whose keys WorkOS does not take back are settled', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const old = await createKey(service, owner);
  // Without it, the first rotation may be over before the second one asks WorkOS for a key.
  failAt(service, 'create', { kind: 'latency', ms: 200, times: 4 });
  failAt(service, 'delete', { kind: 'status', status: 503, times: 3 });
  await Promise.all(Array.from({ length: 4 }, () => rotate(owner, old.id)));
  expect((await liveIn(acme.id)).length).toBeGreaterThan(2);
  service.workos.faults.clear();
  service.clock.advance(10_000);
  await settle();
  expect(await liveIn(acme.id)).toHaveLength(2);
});

test('a key revoked while it is being rotated stays revoked, and its successor is undone', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const old = await createKey(service, owner);
  failAt(service, 'create', { kind: 'latency', ms: 200 });
  const rotation = rotate(owner, old.id);
  await expect.poll(() => workosRequests(service, 'POST', `/organizations/${acme.id}/api_keys`)).toBe(2);
  expect((await call(service, 'DELETE', `/v1/api-keys/${old.id}`, { token: owner })).status).toBe(200);
  expect(outcome(await rotation)).toEqual([400, 'validation_error']);
  expect(await liveIn(acme.id)).toEqual([]);
});

test('a rotated key in its grace can be revoked', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const old = await createKey(service, owner);
  const successor = await rotate(owner, old.id, { grace_seconds: 3_600 });
  expect((await call(service, 'DELETE', `/v1/api-keys/${old.id}`, { token: owner })).status).toBe(200);
  expect(await works(old)).toBe(false);
  expect(await liveIn(acme.id)).toEqual([successor.body['id']]);
});

test('while WorkOS is down nothing is rotated and nothing is left over', async () => {
  const acme = await service.organizations.add();
  const owner = await acme.session();
  const old = await createKey(service, owner);
  takeWorkosDown(service);
  expect(outcome(await rotate(owner, old.id, { grace_seconds: 60 }))).toEqual([503, 'workos_unavailable']);
  expect(await works(old)).toBe(true);
  const { body } = await call(service, 'GET', '/v1/organization', { token: owner });
  expect(body['usage']).toMatchObject({ api_keys: 1 });
});
