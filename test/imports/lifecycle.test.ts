import { describe, expect, test } from 'vitest';
import type { ImportRule } from '../../src/product/imports/import-rules.ts';
import { call, createKey, outcome, requestKey, verifyKey } from '../support/api.ts';
import type { CreatedKey } from '../support/api.ts';
import { makeTestReconcile } from '../support/reconcile.ts';
import { SERVICE_TOKEN } from '../support/service.ts';
import { keysAtWorkos } from '../support/workos-keys.ts';
import { OLD, anOldKey, rowOf, startImports, storedKeys } from './imports.ts';

const HOUR_MS = 3_600_000;
const soon: ImportRule = {
  ...OLD,
  name: 'soon',
  prefix: 'soon_',
  until: new Date(Date.now() + HOUR_MS).toISOString(),
};
const { service, write, apply } = await startImports([OLD, soon]);
const reconcile = makeTestReconcile(service);

/** An organization with one imported key. */
async function imported(more: object = {}, rule: ImportRule = OLD) {
  const acme = await service.organizations.add();
  const key = anOldKey(rule.prefix);
  const { rows } = await apply(write([rowOf(key, acme.id, more)]), { rule });
  return { acme, secret: key.secret, label: `key ${key.id}`, id: rows[0]!.keyId!, token: await acme.session() };
}

const codeOf = async (key: string) => (await verifyKey(service, { key })).body['code'];
/** What was asked of WorkOS about imported keys. */
const askedOfWorkos = () => service.workos.requests().filter(({ path }) => path.includes('imp_'));
const rowsOf = (organizationId: string) => storedKeys(service, organizationId);

describe('an imported key', () => {
  test('is listed, shown and found by its origin', async () => {
    const { id, token, label } = await imported();
    await createKey(service, token);
    const list = await call(service, 'GET', '/v1/api-keys?origin=imported', { token });
    expect(list.body.data).toMatchObject([
      { id, label, origin: 'imported', prefix: 'acme_...', created_by: { kind: 'system', id: 'old' } },
    ]);
    expect((await call(service, 'GET', '/v1/api-keys', { token })).body.data).toHaveLength(2);
    expect((await call(service, 'GET', `/v1/api-keys/${id}`, { token })).body).toMatchObject({ id, status: 'active' });
  });

  test('is of its organization alone', async () => {
    const { id } = await imported();
    const globex = await service.organizations.add();
    for (const method of ['GET', 'DELETE'])
      expect(outcome(await call(service, method, `/v1/api-keys/${id}`, { token: await globex.session() }))).toEqual([
        404,
        'api_key_not_found',
      ]);
  });

  test('is changed and expires earlier, without a word to WorkOS', async () => {
    const { id, token, secret, acme } = await imported();
    const expires_at = new Date(service.clock().getTime() + HOUR_MS).toISOString();
    const changed = await call(service, 'PATCH', `/v1/api-keys/${id}`, { token, body: { label: 'new', expires_at } });
    expect(changed.body).toMatchObject({ label: 'new', expires_at });
    await service.background.runOnce('settle');
    expect(await rowsOf(acme.id)).toMatchObject([{ due_at: null }]);
    expect([await codeOf(secret), askedOfWorkos()]).toEqual(['valid', []]);
  });

  test('is revoked at once, without a word to WorkOS', async () => {
    const { id, token, secret, acme } = await imported();
    expect(await codeOf(secret)).toBe('valid');
    expect((await call(service, 'DELETE', `/v1/api-keys/${id}`, { token })).status).toBe(200);
    await service.background.runOnce('settle');
    expect([await codeOf(secret), askedOfWorkos()]).toEqual(['revoked', []]);
    expect(await rowsOf(acme.id)).toMatchObject([{ status: 'revoked', due_at: null }]);
  });

  test('counts towards the quota, which an import may exceed', async () => {
    const acme = await service.organizations.add();
    const { rows } = await apply(write(Array.from({ length: 12 }, () => rowOf(anOldKey(), acme.id))));
    expect(rows.every(({ category }) => category === 'ready')).toBe(true);
    expect(outcome(await requestKey(service, await acme.session()))).toEqual([409, 'key_limit_reached']);
  });

  test('is rotated into a key of WorkOS, with grace', async () => {
    const { id, token, secret, acme } = await imported();
    const rotated = await call(service, 'POST', `/v1/api-keys/${id}/rotate`, { token, body: { grace_seconds: 600 } });
    const successor = rotated.body as unknown as CreatedKey;
    expect(rotated.body).toMatchObject({ origin: 'latchkey', rotated_from: id, permission_set: 'read_only' });
    expect((await keysAtWorkos(service, acme.id)).map((key) => key.id)).toEqual([successor.id]);
    expect([await codeOf(secret), await codeOf(successor.value)]).toEqual(['valid', 'valid']);
    await service.background.runOnce('settle');
    expect(askedOfWorkos()).toEqual([]);
    service.clock.advance(601_000);
    expect([await codeOf(secret), await codeOf(successor.value)]).toEqual(['expired', 'valid']);
  });

  test('is left alone by a reconciliation', async () => {
    const { token, secret, acme } = await imported();
    await createKey(service, token);
    const { short } = await reconcile({ organizationId: acme.id });
    // The other secret of this reconciliation knows no marker; it finds nothing about the imported key.
    expect(short.filter(([, keyId]) => String(keyId).startsWith('imp_'))).toEqual([]);
    expect(await codeOf(secret)).toBe('valid');
  });

  test('is revoked with its organization, and nothing is left to do at WorkOS', async () => {
    const { acme, secret } = await imported();
    const decommission_at = new Date(service.clock().getTime() + 1).toISOString();
    const body = { status: 'decommissioning', decommission_at };
    await call(service, 'PUT', `/v1/organizations/${acme.id}/billing`, { token: SERVICE_TOKEN, body });
    service.clock.advance(1_000);
    await service.background.runOnce('decommission');
    expect(await rowsOf(acme.id)).toMatchObject([{ status: 'revoked', due_at: null }]);
    expect(await codeOf(secret)).toBe('revoked');
  });

  test('has the rate limit of its row', async () => {
    const mapping = `
default_permission_set: read_only
fields: { rate_limit: max, rate_window_ms: window }`;
    const acme = await service.organizations.add();
    const key = anOldKey();
    const limited = rowOf(key, acme.id, { scopes: null, max: 2, window: 60_000 });
    await apply(write([limited]), { mapping });
    const codes = [await codeOf(key.secret), await codeOf(key.secret), await codeOf(key.secret)];
    expect(codes).toEqual(['valid', 'valid', 'rate_limited']);
  });

  test('is expired once its import is no longer configured', async () => {
    const { acme, secret } = await imported();
    await service.db('api_keys').where({ organization_id: acme.id }).update({ created_by_id: 'gone' });
    expect(await codeOf(secret)).toBe('expired');
  });

  test('is expired after the `until` of its import, used before or not', async () => {
    const [used, unused] = [await imported({}, soon), await imported({}, soon)];
    expect(await codeOf(used.secret)).toBe('valid');
    // As if `until` had been later when it was imported.
    await service.db('api_keys').where({ organization_id: unused.acme.id }).update({ expires_at: null });
    service.clock.advance(2 * HOUR_MS);
    expect([await codeOf(used.secret), await codeOf(unused.secret)]).toEqual(['expired', 'expired']);
  });
});

describe('a row of an imported key', () => {
  test('cannot have work left at WorkOS', async () => {
    const { acme } = await imported();
    const due = rowsOf(acme.id).update({ due_at: new Date() });
    await expect(due).rejects.toThrow('api_keys_imported_check');
  });
});
