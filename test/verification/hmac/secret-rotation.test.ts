import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { call, createKey, outcome, verifyKey } from '../../support/api.ts';
import { metricsOf } from '../../support/metrics.ts';
import { restartWith } from '../../support/restart.ts';
import { startService } from '../../support/service.ts';
import type { Service } from '../../support/service.ts';
import { failAt, takeWorkosDown } from '../../support/workos-faults.ts';
import { keysAtWorkos, makeKeyAtWorkos, workosRequests } from '../../support/workos-keys.ts';
import { keyRow } from '../../support/key-row.ts';

const secret = () => randomBytes(32).toString('hex');
const FIRST = secret();
const service = await startService({ LATCHKEY_SECRET: FIRST });
const { db, workos } = service;

type Process = Pick<Service, 'url' | 'background'>;

afterEach(() => workos.faults.clear());

const restart = (current: string, ...previous: string[]) =>
  restartWith(service, { LATCHKEY_SECRET: current, LATCHKEY_PREVIOUS_SECRETS: previous.join(',') });
const codeAt = async (at: Process, key: string) => (await verifyKey(at, { key })).body['code'];
const hashKeyOf = async (id: string): Promise<unknown> => (await keyRow(db, id)).hash_key;
const questions = () => workosRequests(service, 'POST', '/api_keys/validations');

async function newKey() {
  const acme = await service.organizations.add();
  return { acme, key: await createKey(service, await acme.session()) };
}

async function oldHashes(at: Process): Promise<Record<string, number>> {
  const text = await metricsOf(at);
  const lines = text.matchAll(/^latchkey_api_keys_by_old_secret\{secret="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, name, count]) => [name, Number(count)]));
}

describe('a new LATCHKEY_SECRET', () => {
  test('keeps keys valid without WorkOS, and renews their HMACs with their use', async () => {
    const { key } = await newKey();
    const made = await keyRow(db, key.id);
    const second = secret();
    const between = await restart(second, FIRST);
    takeWorkosDown(service);
    expect(await codeAt(between, key.value)).toBe('valid');
    await expect.poll(() => hashKeyOf(key.id)).not.toBe(made.hash_key);
    const renewed = await keyRow(db, key.id);
    expect(renewed).toEqual({
      ...made,
      hash_key: expect.stringMatching(/^[0-9a-f]{8}$/),
      secret_hash: expect.anything(),
    });
    const { body } = await verifyKey(await restart(second), { key: key.value });
    expect(body).toMatchObject({ code: 'valid', source: 'mirror' });
    expect(await codeAt(await restart(FIRST), key.value)).not.toBe('valid');
  });

  test('lets old and new replicas find what the other has written', async () => {
    const second = secret();
    const [old, young] = [await restart(FIRST, second), await restart(second, FIRST)];
    const acme = await service.organizations.add();
    const owner = await acme.session();
    for (const [maker, other] of [
      [old, young],
      [young, old],
    ] as const) {
      const key = await createKey(maker, owner);
      const { hash_key: made } = await keyRow(db, key.id);
      for (const at of [maker, other]) expect(await codeAt(at, key.value)).toBe('valid');
      await expect.poll(() => hashKeyOf(key.id)).not.toBe(made);
      for (const at of [maker, other]) expect(await codeAt(at, key.value)).toBe('valid');
    }
  });

  test('keeps revoked keys revoked', async () => {
    const { acme, key } = await newKey();
    await call(service, 'DELETE', `/v1/api-keys/${key.id}`, { token: await acme.session() });
    const between = await restart(secret(), secret(), FIRST);
    expect(await codeAt(between, key.value)).toBe('revoked');
  });

  test('lowers the metric of old secrets as keys are used', async () => {
    await db('api_keys').del();
    const keys = [(await newKey()).key, (await newKey()).key, (await newKey()).key];
    await db('api_keys').where({ workos_id: keys[2]!.id }).update({ hash_key: '' });
    expect(await oldHashes(service)).toEqual({ dropped: 0, unknown: 1 });
    const second = secret();
    const between = await restart(second, FIRST);
    expect(await oldHashes(between)).toEqual({ previous_1: 2, dropped: 0, unknown: 1 });
    expect(await oldHashes(await restart(second))).toEqual({ dropped: 2, unknown: 1 });
    for (const { value } of keys) await verifyKey(between, { key: value });
    await expect.poll(() => oldHashes(between)).toEqual({ previous_1: 0, dropped: 0, unknown: 0 });
  });

  test('adopts a key at its next use after its secret was dropped', async () => {
    const { acme, key } = await newKey();
    const after = await restart(secret());
    takeWorkosDown(service);
    expect(outcome(await verifyKey(after, { key: key.value }))).toEqual([503, 'workos_unavailable']);
    workos.faults.clear();
    const before = questions();
    expect((await verifyKey(after, { key: key.value })).body).toMatchObject({
      code: 'valid',
      id: key.id,
      source: 'workos',
    });
    expect(questions() - before).toBe(1);
    takeWorkosDown(service);
    expect(await codeAt(after, key.value)).toBe('valid');
    expect(await db('api_keys').where({ organization_id: acme.id })).toHaveLength(1);
  });

  test('never revives a revoked key of a dropped secret while its deletion at WorkOS is pending', async () => {
    const { key } = await newKey();
    await db('api_keys').where({ workos_id: key.id }).update({ status: 'revoked', revoked_at: new Date() });
    expect(await codeAt(await restart(secret()), key.value)).toBe('not_found');
  });

  test('does not replace an HMAC of another configured secret', async () => {
    const { acme, key } = await newKey();
    const mine = await keyRow(db, key.id);
    const stranger = await makeKeyAtWorkos(service, acme.id, 'another');
    // As though WorkOS had two secrets for one key.
    await db('api_keys').where({ workos_id: key.id }).update({ workos_id: stranger.id });
    expect(await codeAt(await restart(secret(), FIRST), stranger.value)).toBe('not_found');
    expect((await keyRow(db, stranger.id)).secret_hash).toEqual(mine.secret_hash);
  });

  test('repeats idempotent answers on either side of the change', async () => {
    const acme = await service.organizations.add();
    const token = await acme.session();
    const second = secret();
    const [before, after] = [await restart(FIRST, second), await restart(second, FIRST)];
    const create = (at: Process, name: string) =>
      call(at, 'POST', '/v1/api-keys', {
        token,
        body: { label: name, permission_set: 'read_only' },
        headers: { 'idempotency-key': name },
      });
    for (const [made, repeated] of [
      [before, after],
      [after, before],
    ] as const) {
      const name = `from ${made.url}`;
      const one = await create(made, name);
      const again = await create(repeated, name);
      expect([one.status, again.body, again.headers.get('idempotency-replayed')]).toEqual([201, one.body, 'true']);
    }
    const races = await Promise.all([before, after, before, after].map((at) => create(at, 'raced')));
    expect(new Set(races.map(({ body }) => body['value'])).size).toBe(1);
    expect(await db('api_keys').where({ organization_id: acme.id })).toHaveLength(3);
  });

  test('proves orphans while their secret is configured, and never deletes unproven ones', async () => {
    const { acme } = await newKey();
    failAt(service, 'create', { kind: 'lost_answer' });
    const body = { label: 'lost', permission_set: 'read_only' };
    await call(service, 'POST', '/v1/api-keys', { token: await acme.session(), body });
    expect(await keysAtWorkos(service, acme.id)).toHaveLength(2);
    const second = secret();
    await (await restart(second)).background.runOnce('settle');
    expect(await keysAtWorkos(service, acme.id)).toHaveLength(2);
    await db('api_keys').where({ organization_id: acme.id, workos_id: null }).update({ due_at: new Date() });
    await (await restart(second, FIRST)).background.runOnce('settle');
    expect(await keysAtWorkos(service, acme.id)).toHaveLength(1);
  });
});
