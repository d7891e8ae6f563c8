import { expect, describe, test } from 'vitest';
import { call, verifyKey } from '../support/api.ts';
import { anOldKey, rowOf, startImports, storedKeys } from './imports.ts';

const { service, write, apply } = await startImports();

/** Applies keys of one organization. */
async function imported(count = 1, more: object = {}) {
  const acme = await service.organizations.add();
  const keys = Array.from({ length: count }, () => anOldKey());
  const { rows } = await apply(write(keys.map((key) => rowOf(key, acme.id, more))));
  expect(rows.map(({ category }) => category)).toEqual(keys.map(() => 'ready'));
  return { acme, keys, ids: rows.map(({ keyId }) => keyId!) };
}

const hashKeysOf = async (organizationId: string) =>
  (await storedKeys(service, organizationId)).map(({ hash_key: id }: { hash_key: string }) => id);

describe('an imported key', () => {
  test('verifies by the old hash once, and by ours from then on', async () => {
    const { acme, keys, ids } = await imported();
    expect(await hashKeysOf(acme.id)).toEqual(['import:old']);
    const { body } = await verifyKey(service, { key: keys[0]!.secret });
    expect(body).toMatchObject({ valid: true, id: ids[0], organization_id: acme.id });
    await expect.poll(() => hashKeysOf(acme.id)).toEqual([expect.stringMatching(/^[0-9a-f]{8}$/)]);
    const [row] = await storedKeys(service, acme.id);
    expect(Buffer.from(row.secret_hash).toString('hex')).not.toBe(keys[0]!.hash);
    const restarted = await service.withoutFastPaths();
    expect((await verifyKey(restarted, { key: keys[0]!.secret })).body).toMatchObject({ valid: true });
  });

  test('has the scopes of its permission set', async () => {
    const { keys } = await imported(1, { scopes: ['work', 'read'] });
    const { body } = await verifyKey(service, { key: keys[0]!.secret, scopes: ['tasks:write'] });
    expect(body).toMatchObject({ valid: true, permission_set: 'submit_observe' });
  });

  test('is not its hash: the hash itself verifies nothing', async () => {
    const { keys } = await imported();
    expect((await verifyKey(service, { key: keys[0]!.hash })).body).toMatchObject({ valid: false, code: 'not_found' });
  });

  test('calls the API as a credential', async () => {
    const { keys, acme } = await imported();
    const { status, body } = await call(service, 'GET', '/v1/me/session', { token: keys[0]!.secret });
    expect([status, body]).toMatchObject([200, { organization_id: acme.id }]);
  });
});
