import { afterEach, describe, expect, test } from 'vitest';
import { call, createKey, outcome } from '../support/api.ts';
import { startService } from '../support/service.ts';
import { makeStuck } from '../support/stuck.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';

// So long that a retry gives up waiting before its time is over.
const TIMEOUT_MS = 1_500;
const LOCK_MS = 2 * TIMEOUT_MS + 1_000;
const stuck = makeStuck();
const service = await startService({ WORKOS_TIMEOUT_MS: String(TIMEOUT_MS) }, { at: stuck.at });

afterEach(() => stuck.release());

const create = (token: string, key: string) =>
  call(service, 'POST', '/v1/api-keys', {
    token,
    headers: { 'idempotency-key': key },
    body: { label: 'a key', permission_set: 'read_only' },
  });
const rotate = (token: string, key: string, id: string) =>
  call(service, 'POST', `/v1/api-keys/${id}/rotate`, { token, headers: { 'idempotency-key': key }, body: {} });

/** Sends a request that stops at a point and never answers. */
async function dieAt(point: string, send: () => Promise<unknown>): Promise<void> {
  stuck.stopAt(point);
  send().catch(() => undefined);
  await expect.poll(() => stuck.standing()).toBe(1);
  stuck.release();
}

describe('POST /v1/api-keys with an Idempotency-Key after a crash', () => {
  test.each(['create.before_reserve', 'create.reserved', 'create.issued'])(
    'returns 409 to a retry until the lock of a request that died at %s expires, then creates the only key',
    async (point) => {
      const acme = await service.organizations.add();
      await dieAt(point, async () => create(await acme.session(), 'died'));
      expect(outcome(await create(await acme.session(), 'died'))).toEqual([409, 'request_in_progress']);
      service.clock.advance(LOCK_MS);
      const retry = await create(await acme.session(), 'died');
      expect(outcome(retry)).toEqual([201, undefined]);
      await service.background.runOnce('settle');
      expect((await keysAtWorkos(service, acme.id)).map(({ id }) => id)).toEqual([retry.body['id']]);
      const { body } = await call(service, 'GET', '/v1/organization', { token: await acme.session() });
      expect(body['usage']).toMatchObject({ api_keys: 1 });
    },
  );

  test('replays the answer at once to a retry of a request that died after its commit', async () => {
    const acme = await service.organizations.add();
    await dieAt('create.activated', async () => create(await acme.session(), 'died'));
    const retry = await create(await acme.session(), 'died');
    expect(outcome(retry)).toEqual([201, undefined]);
    expect(retry.headers.get('idempotency-replayed')).toBe('true');
    const me = await call(service, 'GET', '/v1/me/session', { token: String(retry.body['value']) });
    expect(me.status).toBe(200);
    expect((await keysAtWorkos(service, acme.id)).map(({ id }) => id)).toEqual([retry.body['id']]);
  });

  test.each(['create.before_reserve', 'create.reserved', 'create.issued'])(
    'creates no second key when a request taken for dead at %s goes on',
    async (point) => {
      const acme = await service.organizations.add();
      stuck.stopAt(point);
      const slow = create(await acme.session(), 'slow');
      await expect.poll(() => stuck.standing()).toBe(1);
      service.clock.advance(LOCK_MS);
      stuck.stopAt('nowhere');
      const retry = await create(await acme.session(), 'slow');
      expect(outcome(retry)).toEqual([201, undefined]);
      stuck.release('goOn');
      expect([409, 503]).toContain((await slow).status);
      await service.background.runOnce('settle');
      expect((await keysAtWorkos(service, acme.id)).map(({ id }) => id)).toEqual([retry.body['id']]);
      expect((await create(await acme.session(), 'slow')).body).toEqual(retry.body);
    },
  );
});

describe('POST /v1/api-keys/{id}/rotate with an Idempotency-Key after a crash', () => {
  test.each(['rotate.before_reserve', 'rotate.reserved', 'rotate.issued'])(
    'leaves the old key working when a request dies at %s, and its retry creates the only successor',
    async (point) => {
      const acme = await service.organizations.add();
      const old = await createKey(service, await acme.session());
      await dieAt(point, async () => rotate(await acme.session(), 'died', old.id));
      expect((await call(service, 'GET', '/v1/me/session', { token: old.value })).status).toBe(200);
      service.clock.advance(LOCK_MS);
      const retry = await rotate(await acme.session(), 'died', old.id);
      expect(outcome(retry)).toEqual([201, undefined]);
      await service.background.runOnce('settle');
      const there = (await keysAtWorkos(service, acme.id)).map(({ id }) => id);
      expect(there.toSorted()).toEqual([old.id, String(retry.body['id'])].toSorted());
      expect((await call(service, 'GET', '/v1/me/session', { token: old.value })).status).toBe(401);
    },
  );
});
