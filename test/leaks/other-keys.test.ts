import { expect, test } from 'vitest';
import { call, createKey } from '../support/api.ts';
import { anOldKey, rowOf, startImports, storedKeys } from '../imports/imports.ts';
import { entry, makeSigningKey, sendReport, startKeyList } from './scanner.ts';

const key = makeSigningKey('k1');
const list = await startKeyList(key);
const { service, write, apply } = await startImports(undefined, {
  LATCHKEY_LEAK_ORIGINS: 'github',
  LATCHKEY_LEAK_KEYS_GITHUB: list.url,
});

test('revokes an imported key that was never used here, by its old hash', async () => {
  const acme = await service.organizations.add();
  const old = anOldKey();
  await apply(write([rowOf(old, acme.id)]));
  const answer = await sendReport(service, [entry(old.secret)], { key });
  expect(answer.body).toMatchObject([{ label: 'true_positive' }]);
  expect(await storedKeys(service, acme.id)).toMatchObject([{ status: 'revoked' }]);
});

test('revokes a suspended key, so that it cannot be resumed', async () => {
  const acme = await service.organizations.add();
  const token = await acme.session();
  const leaked = await createKey(service, token, { permission_set: 'full_access' });
  await call(service, 'POST', `/v1/api-keys/${leaked.id}/suspend`, { token, body: {} });
  await sendReport(service, [entry(leaked.value)], { key });
  expect((await call(service, 'GET', `/v1/api-keys/${leaked.id}`, { token })).body['status']).toBe('revoked');
});
