import { createHash, createHmac, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ImportRule } from '../../src/product/imports/import-rules.ts';
import { call, verifyKey } from '../support/api.ts';
import { OLD, anOldKey, rowOf, startImports } from './imports.ts';

const SECRET = randomBytes(32);
const bare: ImportRule = {
  ...OLD,
  name: 'bare',
  prefix: undefined,
  characters: 'letters',
  min_length: 64,
  max_length: 64,
};
const keyed: ImportRule = { ...OLD, name: 'keyed', prefix: 'hm_', hash: 'hmac-sha256', hashed: 'behind_prefix' };
const parted: ImportRule = {
  ...OLD,
  name: 'parted',
  prefix: 'part_',
  characters: 'word',
  hash: 'sha512',
  hashed: 'behind_last_underscore',
};
const rules = [OLD, bare, keyed, parted];
const env = { LATCHKEY_IMPORT_SECRETS: `keyed:${SECRET.toString('base64')}` };
const { service, write, apply } = await startImports(rules, env);
const limited = await startImports([OLD], { LATCHKEY_FAILED_CREDENTIALS_PER_MINUTE: '3' });
const acme = await service.organizations.add();

const codeOf = async (key: string) => (await verifyKey(service, { key })).body['code'];

/** Imports one key by the hash that the other system has. */
async function importedBy(rule: ImportRule, hash: string) {
  const { rows } = await apply(write([rowOf({ ...anOldKey(), hash }, acme.id)]), { rule });
  expect(rows).toMatchObject([{ category: 'ready' }]);
}

/** The statements that read keys meanwhile. */
async function readsDuring(work: () => Promise<unknown>): Promise<number> {
  let reads = 0;
  const note = ({ sql }: { sql: string }) => void (sql.includes('from api_keys k') && reads++);
  service.db.on('query', note);
  await work();
  service.db.off('query', note);
  return reads;
}

describe('a key of another form', () => {
  test('without a prefix is found, and calls the API', async () => {
    // It begins as a JWT does.
    const secret = `eyJ${'abcDEFghijKLM'.repeat(5).slice(0, 61)}`;
    await importedBy(bare, createHash('sha256').update(secret).digest('base64url'));
    expect(await codeOf(secret)).toBe('valid');
    expect((await call(service, 'GET', '/v1/me/session', { token: secret })).status).toBe(200);
    const headers = { 'x-api-key': secret };
    expect((await call(service, 'GET', '/v1/auth/forward', { headers })).status).toBe(200);
    expect((await call(service, 'GET', '/v1/auth/forward', { headers })).status).toBe(200);
  });

  test('with a pepper is found by its HMAC', async () => {
    const rest = randomBytes(20).toString('hex');
    await importedBy(keyed, createHmac('sha256', SECRET).update(rest).digest('hex'));
    expect([await codeOf(`hm_${rest}`), await codeOf(`hm_${rest}0`)]).toEqual(['valid', 'not_found']);
  });

  test('whose last part was hashed is found by that part', async () => {
    const long = randomBytes(20).toString('hex');
    await importedBy(parted, createHash('sha512').update(long).digest('base64'));
    expect(await codeOf(`part_short_${long}`)).toBe('valid');
  });
});

describe('a guess', () => {
  test('costs one look-up, as before, and none when it is repeated', async () => {
    const guess = anOldKey().secret;
    expect(await readsDuring(() => codeOf(guess))).toBe(1);
    expect(await readsDuring(() => codeOf(guess))).toBe(0);
    expect(await readsDuring(() => codeOf('sk_test_never_issued_by_anyone'))).toBe(1);
  });

  test('does not find a key of another import by the same hash', async () => {
    const { secret, hash } = anOldKey();
    await importedBy(OLD, hash);
    await service.db('api_keys').where({ hash_key: 'import:old' }).update({ hash_key: 'import:keyed' });
    expect(await codeOf(secret)).toBe('not_found');
  });

  test.each(['acme_short', `acme_${'x'.repeat(100)}`, `acme_${'-'.repeat(40)}`])(
    'of another form than the import costs no hash of it: %s',
    async (guess) => {
      expect(await codeOf(guess)).toBe('not_found');
    },
  );

  test('counts against its address as any unknown key', async () => {
    const codes: unknown[] = [];
    for (let i = 0; i < 5; i++) {
      const { status } = await call(limited.service, 'GET', '/v1/me/session', { token: anOldKey().secret });
      codes.push(status);
    }
    expect(codes).toEqual([401, 401, 401, 429, 429]);
  });
});
