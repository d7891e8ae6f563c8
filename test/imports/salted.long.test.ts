import { createHash, randomBytes } from 'node:crypto';
import { hashSync } from 'bcryptjs';
import { describe, expect, inject, test } from 'vitest';
import { stringify } from 'yaml';
import { replaceHmacs } from '../../src/api-keys/rows/replace-hmacs.ts';
import type { ImportRule } from '../../src/product/imports/import-rules.ts';
import { parseProduct, readProduct } from '../../src/product/read-product.ts';
import { call, createKey, verifyKey } from '../support/api.ts';
import type { CreatedKey } from '../support/api.ts';
import { entry, makeSigningKey, sendReport, startKeyList } from '../leaks/scanner.ts';
import { OLD, categories, startImports, storedKeys } from './imports.ts';

const product = readProduct(new URL('../../config/evershell.yaml', import.meta.url));
const KNOWN = '0123456789abcdefghijABCDEFGHIJ01';
const like = (name: string, hash: ImportRule['hash'], more: Partial<ImportRule> = {}): ImportRule => ({
  ...OLD,
  name,
  prefix: `${name}_`,
  characters: 'word',
  min_length: 36,
  max_length: 60,
  hash,
  locator: 'before_last_underscore',
  ...more,
});
const bcrypt = like('bc', 'bcrypt');
const scrypt = like('sc', 'scrypt');
const argon = like('ar', 'argon2id');
const sha = like('sa', 'sha256-salted');
const first = like('fi', 'sha256-salted', { locator: 12, characters: 'base62' });
const signing = makeSigningKey('k1');
const list = await startKeyList(signing);
const { service, write, plan, apply, undo } = await startImports([bcrypt, scrypt, argon, sha, first], {
  LATCHKEY_LEAK_ORIGINS: 'github',
  LATCHKEY_LEAK_KEYS_GITHUB: list.url,
  LATCHKEY_FAILED_CREDENTIALS_PER_MINUTE: '20',
});
const acme = await service.organizations.add();
let reads = 0;
service.db.on('query', ({ sql }: { sql: string }) => void (sql.includes('k.salted_hash') && reads++));
const readsOfCandidates = () => reads;
const codeOf = async (key: string, ip?: string) =>
  (await verifyKey(service, { key, ...(ip !== undefined && { ip }) })).body['code'];
const word = () => randomBytes(6).toString('hex');

/** A row as the other system exports it. */
const rowOf = (fields: object, organization = acme.id) => ({ id: word(), organization, scopes: 'read', ...fields });

/** A key with a salted SHA-256, which is fast to make and to check. */
function aKey(locator = `sa_${word()}`) {
  const secret = `${locator}_${randomBytes(16).toString('hex')}`;
  const salt = word();
  return {
    secret,
    fields: {
      hash: createHash('sha256')
        .update(salt + secret)
        .digest('hex'),
      salt,
      locator,
    },
  };
}

async function imported(organization = acme.id, key = aKey()) {
  const { rows } = await apply(write([rowOf(key.fields, organization)]), { rule: sha });
  expect(rows).toMatchObject([{ category: 'ready' }]);
  return { ...key, id: rows[0]!.keyId! };
}

const stored = async (id: string) => service.db('api_keys').where({ workos_id: id }).first();
const isOurs = async (id: string) => {
  const ours = { hash_key: expect.stringMatching(/^[0-9a-f]{8}$/), locator: null, salted_hash: null };
  await expect.poll(() => stored(id)).toMatchObject(ours);
};

// bcrypt by glibc's crypt, scrypt by OpenSSL through Python, argon2id by the reference library, SHA-256 by Python.
const SALT = 'c2FsdHlzYWx0eXNhbHQxNg';
const VECTORS: readonly [string, ImportRule, object, string?][] = [
  ['bcrypt', bcrypt, { hash: '$2b$05$abcdefghijklmnopqrstuum1OFjB.1yoC3QtWi5Dur8RtBKrvRmO6' }],
  ['bcrypt of PHP', bcrypt, { hash: '$2y$05$abcdefghijklmnopqrstuum1OFjB.1yoC3QtWi5Dur8RtBKrvRmO6' }],
  ['scrypt', scrypt, { hash: `$scrypt$ln=12,r=8,p=1$${SALT}$aCa8v/YDyT7MqEFsQf6FautzmSf/ntxG/t84or3s8fs` }],
  [
    'scrypt as Node makes it',
    scrypt,
    {
      hash: 'bcbeda8a81355a6ec9e8bc6262a4dbff583aee59ac3ceb198f43aab33827dcabb51b9c28afe8c9fd04fb6babacd7e051493db838a8de6f71823d3b5002198ea5',
      salt: '00ff00ff',
    },
  ],
  ['argon2id', argon, { hash: `$argon2id$v=19$m=4096,t=3,p=1$${SALT}$OfxXqUEf5u0K6PyY6zZQFHevKFAlj6wDUC9zX41TmZ0` }],
  [
    'argon2id of four lanes',
    argon,
    { hash: `$argon2id$v=19$m=1024,t=2,p=4$${SALT}$Ydjsc8AJBaqo9NItnvlf+LKzpBotudH3sNBeVhMqbDk` },
  ],
  ['a salt before', sha, { hash: 'c08dbabf2621959cf0755fca82123e1273bec4d076528fecc6d430c365d67165', salt: 'pepper!' }],
  [
    'a salt of bytes behind',
    sha,
    { hash: 'f03149d87a6a4bfaa5e88e979aefdbd23403c9a5d48051da13c1afadf91f4501', salt: '00ff' },
    'salt: { encoding: hex, position: after }',
  ],
];

describe('a key with a salted hash', () => {
  test.each(VECTORS)(
    'verifies on its first use, and by our hash from then on: %s',
    async (_what, rule, fields, how) => {
      const organization = await service.organizations.add();
      const mapping = `permission_sets: { read: read_only }\n${how ?? ''}`;
      const row = rowOf({ ...fields, start: `${rule.name}_ab12cd_` }, organization.id);
      const { rows } = await apply(write([{ ...row, locator: 'ab12cd' }]), { rule, mapping });
      expect(rows).toMatchObject([{ category: 'ready' }]);
      const secret = `${rule.name}_ab12cd_${KNOWN}`;
      const verified = async (key: string) => (await verifyKey(await service.withoutFastPaths(), { key })).body;
      expect(await verified(`${secret.slice(0, -1)}2`)).toMatchObject({ code: 'not_found' });
      expect(await verified(secret)).toMatchObject({ valid: true, id: rows[0]!.keyId });
      await isOurs(rows[0]!.keyId!);
      expect(await verified(secret)).toMatchObject({ valid: true });
      // The next vector is of the same key.
      await service.db('api_keys').where({ organization_id: organization.id }).delete();
    },
  );

  test('is found by its first characters', async () => {
    const secret = `fi_${randomBytes(20).toString('hex')}`;
    const hash = createHash('sha256').update(`salt${secret}`).digest('base64');
    const { rows } = await apply(write([rowOf({ hash, salt: 'salt', start: secret.slice(0, 14) })]), { rule: first });
    expect(rows).toMatchObject([{ category: 'ready', key: { salted: { locator: secret.slice(0, 12) } } }]);
    expect([await codeOf(`${secret}0`), await codeOf(secret)]).toEqual(['not_found', 'valid']);
  });

  test('is one of eight with its locator, and a ninth is refused by its line', async () => {
    const locator = `sa_${word()}`;
    const keys = Array.from({ length: 9 }, () => aKey(locator));
    const path = write(keys.map(({ fields }) => rowOf(fields)));
    const expected = [...keys.slice(0, 8).map((_, i) => `${i + 1} ready`), '9 unsupported'];
    expect(categories((await plan(path, { rule: sha })).rows)).toEqual(expected);
    expect(categories((await apply(path, { rule: sha })).rows)).toEqual(expected);
    const again = await plan(write([rowOf(keys[8]!.fields)]), { rule: sha });
    expect(again.rows).toMatchObject([{ category: 'unsupported', reason: '8 other keys have its locator' }]);
    expect([await codeOf(keys[7]!.secret), await codeOf(keys[8]!.secret)]).toEqual(['valid', 'not_found']);
  });

  // An embedded database has one connection, which the other transaction would keep.
  test.skipIf(inject('template').kind === 'embedded')('is checked again where the write did not happen', async () => {
    const { secret, id } = await imported();
    const replica = await service.withoutFastPaths();
    // Another transaction has the row.
    await service.db.transaction(async (trx) => {
      await trx('api_keys').where({ workos_id: id }).forUpdate().first();
      expect((await verifyKey(replica, { key: secret })).body['valid']).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, 400));
    });
    expect(await stored(id)).toMatchObject({ hash_key: 'import:sa' });
    expect(await codeOf(secret)).toBe('valid');
    await isOurs(id);
  });

  test('loses locator and salted hash with the replacement, in one statement', async () => {
    const { id } = await imported();
    const { secret_hash: from } = await stored(id);
    await replaceHmacs(service.db, 'deadbeef', [{ from, to: randomBytes(32) }]);
    expect(await stored(id)).toMatchObject({ hash_key: 'deadbeef', locator: null, salted_hash: null });
  });

  test('is removed by an undo unless it was used', async () => {
    const globex = await service.organizations.add();
    const [used, unused] = [await imported(globex.id), await imported(globex.id)];
    expect(await codeOf(used.secret)).toBe('valid');
    await isOurs(used.id);
    expect(await undo('sa')).toBe('undone');
    expect((await storedKeys(service, globex.id)).map((row) => row.workos_id)).toEqual([used.id]);
    expect(await codeOf(unused.secret)).toBe('not_found');
  });

  test('is revoked by a leak report before its first use', async () => {
    const { secret } = await imported();
    const { body } = await sendReport(service, [entry(secret)], { key: signing });
    expect(body).toMatchObject([{ label: 'true_positive' }]);
    expect(await codeOf(secret)).toBe('revoked');
  });

  test('is rotated before its first use, and works until the grace ends', async () => {
    const { secret, id } = await imported();
    const token = await acme.session();
    const { body } = await call(service, 'POST', `/v1/api-keys/${id}/rotate`, { token, body: { grace_seconds: 600 } });
    expect([await codeOf(secret), await codeOf((body as unknown as CreatedKey).value)]).toEqual(['valid', 'valid']);
  });

  test('appears in no log line, nor does its hash', async () => {
    const { secret, fields } = await imported();
    await codeOf(`${secret}0`);
    await codeOf(secret);
    const logs = service.logs.join('\n');
    expect(
      [secret, fields.hash, Buffer.from(fields.hash, 'hex').toString('base64')].filter((text) => logs.includes(text)),
    ).toEqual([]);
  });
});

describe('guesses at a key with a salted hash', () => {
  test('are remembered as unknown', async () => {
    const key = aKey();
    const before = readsOfCandidates();
    expect([await codeOf(key.secret), await codeOf(key.secret)]).toEqual(['not_found', 'not_found']);
    expect(readsOfCandidates() - before).toBe(1);
    await imported(acme.id, key);
    const other = await service.withoutFastPaths();
    expect((await verifyKey(other, { key: key.secret })).body).toMatchObject({ valid: true });
  });

  test('of one address are bounded, and neither other addresses nor other keys wait for them', async () => {
    const locator = `bc_${word()}`;
    const secret = `${locator}_${randomBytes(12).toString('hex')}`;
    const rows = [1, 2, 3].map(() => rowOf({ hash: hashSync(randomBytes(9).toString('hex'), 9), locator }));
    const own = rowOf({ hash: hashSync(secret, 4), locator });
    await apply(write([...rows, own]), { rule: bcrypt });
    const other = await createKey(service, await (await service.organizations.add()).session());
    await codeOf(other.value);
    const before = readsOfCandidates();
    const guesses = Array.from({ length: 60 }, () =>
      codeOf(`${locator}_${randomBytes(12).toString('hex')}`, '203.0.113.7'),
    );
    const order: string[] = [];
    const done = Promise.all(guesses).then((codes) => (order.push('guesses'), codes));
    expect(await codeOf(other.value)).toBe('valid');
    order.push('other key');
    expect(await codeOf(secret, '198.51.100.9')).toBe('valid');
    order.push('other address');
    const codes = await done;
    expect(order).toEqual(['other key', 'other address', 'guesses']);
    // At most four were checked before their failures counted; the rest found no room, or its address over its limit.
    expect(codes.filter((code) => code !== 'not_found' && code !== 'rate_limited')).toEqual([]);
    expect(readsOfCandidates() - before).toBeLessThanOrEqual(24);
    // Over its limit, not even the right key is checked for this address.
    const right = aKey();
    await imported(acme.id, right);
    expect([await codeOf(right.secret, '203.0.113.7'), await codeOf(right.secret)]).toEqual(['rate_limited', 'valid']);
  });
});

describe('a row with a salted hash', () => {
  const costly = '$scrypt$ln=30,r=8,p=1$c2FsdHlzYWx0eXNhbHQxNg$aCa8v/YDyT7MqEFsQf6FautzmSf/ntxG/t84or3s8fs';
  const bad: readonly [string, string, ImportRule, object][] = [
    ['unsupported', 'costs that a check may not have', scrypt, { hash: costly, locator: 'a' }],
    ['unsupported', 'a cost of bcrypt of 31', bcrypt, { hash: `$2b$31$${'a'.repeat(53)}`, locator: 'a' }],
    [
      'unsupported',
      'too much memory',
      argon,
      { hash: `$argon2id$v=19$m=4194304,t=1,p=1$${SALT}$${SALT}`, locator: 'a' },
    ],
    ['hash_malformed', 'a hash of another kind', argon, { hash: `$2b$05$${'a'.repeat(53)}`, locator: 'a' }],
    ['hash_malformed', 'no salt', sha, { hash: 'ab'.repeat(32), locator: 'a' }],
    ['hash_malformed', 'no hash', bcrypt, { locator: 'a' }],
    ['malformed', 'no locator', bcrypt, { hash: `$2b$05$${'a'.repeat(53)}` }],
    ['malformed', 'too short a locator', first, { hash: 'ab'.repeat(32), salt: 's', locator: 'abc' }],
  ];
  test.each(bad)('is %s for %s', async (category, _why, rule, fields) => {
    expect(categories((await plan(write([rowOf(fields)]), { rule })).rows)).toEqual([`1 ${category}`]);
  });
});

const text = (rule: object) => stringify({ ...product, imports: [{ ...OLD, ...rule }] });

describe('an import with a salted hash', () => {
  const refused: readonly [object, string][] = [
    [{ hash: 'bcrypt' }, "'bcrypt' finds no key: say by 'locator' what does"],
    [{ locator: 12 }, "is not for 'sha256', which finds a key by itself"],
    [{ hash: 'bcrypt', locator: 12, max_length: 80, min_length: 40 }, 'bcrypt reads 72 bytes'],
    [{ hash: 'scrypt', locator: 'before_last_underscore' }, "needs characters 'word'"],
    [{ hash: 'scrypt', locator: 5 }, 'must reach behind the prefix'],
    [{ hash: 'scrypt', locator: 12 }, 'leaves fewer than 16 characters'],
  ];
  test.each(refused)('is refused with its line: %j', (rule, message) => {
    expect(() => parseProduct(text(rule), 'product.yaml')).toThrow(message);
    expect(() => parseProduct(text(rule), 'product.yaml')).toThrow(/\d+/);
  });
});
