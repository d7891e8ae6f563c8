import { afterEach, describe, expect, it } from 'vitest';
import { call, createKey, outcome, requestKey } from '../support/api.ts';
import { deleteAtWorkos, makeDashboardKey, signWebhook } from '../support/at-workos.ts';
import { startService } from '../support/service.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';

const SECRET = 'a webhook secret of the tests';
const NAME = 'Schlüssel für München';
const service = await startService({ WORKOS_WEBHOOK_SECRET: SECRET, WORKOS_BREAKER_FAILURES: '2' });
const { db, workos } = service;
const poll = () => service.background.runOnce('events');
const labelsOf = (organizationId: string) =>
  db('api_keys').where({ organization_id: organizationId }).orderBy('created_at').pluck('label');
const cursor = async () => (await db('event_cursors').where({ name: 'workos' }).first())?.cursor;

afterEach(async () => {
  workos.faults.clear();
  await poll();
});

describe('events in another charset', () => {
  it.each(['iso-8859-1', 'utf-16'] as const)('are decoded: %s', async (charset) => {
    await poll();
    const acme = await service.organizations.add();
    await makeDashboardKey(service, acme.id, { name: NAME });
    workos.faults.add({ kind: 'charset', charset, path: '/events' });
    await poll();
    expect(await labelsOf(acme.id)).toEqual([NAME]);
  });

  it('stay at WorkOS while the charset is unknown, and are no outage', async () => {
    await poll();
    const acme = await service.organizations.add();
    const owner = await acme.session();
    const key = await createKey(service, owner);
    await poll();
    const before = await cursor();
    await deleteAtWorkos(service, key.id);
    workos.faults.add({ kind: 'charset', charset: 'unknown', path: '/events', times: 0 });
    for (let i = 0; i < 3; i++) await expect(poll()).rejects.toMatchObject({ kind: 'malformed' });
    expect(await cursor()).toBe(before);
    // The circuit breaker, which opens after two outages, lets this pass.
    await createKey(service, owner);
    workos.faults.clear();
    await poll();
    expect(outcome(await call(service, 'GET', '/v1/me/session', { token: key.value }))[0]).toBe(401);
  });

  it('are applied with U+FFFD for bytes that are not UTF-8 although declared so', async () => {
    await poll();
    const acme = await service.organizations.add();
    await makeDashboardKey(service, acme.id, { name: NAME });
    workos.faults.add({ kind: 'charset', charset: 'mislabelled', path: '/events' });
    await poll();
    expect(await labelsOf(acme.id)).toEqual(['Schl\uFFFDssel f\uFFFDr M\uFFFDnchen']);
  });
});

describe('the answer to a new key', () => {
  it.each(['iso-8859-1', 'utf-16', 'mislabelled'] as const)('is read in %s', async (charset) => {
    const acme = await service.organizations.add();
    workos.faults.add({ kind: 'charset', charset, path: '/organizations/:id/api_keys' });
    expect((await requestKey(service, await acme.session(), { label: NAME })).status).toBe(201);
  });

  it('leaves no key behind in an unknown charset', async () => {
    const acme = await service.organizations.add();
    workos.faults.add({ kind: 'charset', charset: 'unknown', path: '/organizations/:id/api_keys', method: 'POST' });
    expect(outcome(await requestKey(service, await acme.session(), { label: NAME }))).toEqual([
      503,
      'workos_unavailable',
    ]);
    expect(await keysAtWorkos(service, acme.id)).toHaveLength(1);
    service.clock.advance(5 * 60_000);
    await service.background.runOnce('settle');
    expect(await keysAtWorkos(service, acme.id)).toEqual([]);
  });
});

it('DELETE /v1/api-keys/{id} confirms the deletion whatever the charset of the answer', async () => {
  const acme = await service.organizations.add();
  const token = await acme.session();
  const { id } = await createKey(service, token);
  workos.faults.add({ kind: 'charset', charset: 'unknown', path: '/api_keys/:id', method: 'DELETE' });
  expect((await call(service, 'DELETE', `/v1/api-keys/${id}`, { token })).status).toBe(200);
  const [row] = await db('api_keys').where({ workos_id: id }).select('workos_deleted_at', 'due_at');
  expect(row).toMatchObject({ workos_deleted_at: expect.any(Date), due_at: null });
});

it.each([
  ['iso-8859-1', (text: string) => Buffer.from(text, 'latin1')],
  ['utf-16', (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le')],
] as const)(
  'POST /v1/hooks/workos returns 401 for a body in %s, and the poll applies its event',
  async (charset, encode) => {
    await poll();
    const acme = await service.organizations.add();
    const key = await makeDashboardKey(service, acme.id, { name: NAME });
    const now = new Date().toISOString();
    const { value: _value, ...data } = key;
    const body = encode(
      JSON.stringify({ object: 'event', id: 'event_x', event: 'api_key.created', created_at: now, data }),
    );
    const headers = {
      'content-type': `application/json; charset=${charset}`,
      'workos-signature': signWebhook(SECRET, body),
    };
    const request = { method: 'POST', headers, body: new Uint8Array(body) };
    expect((await fetch(`${service.url}/v1/hooks/workos`, request)).status).toBe(401);
    await poll();
    expect(await labelsOf(acme.id)).toEqual([NAME]);
  },
);
