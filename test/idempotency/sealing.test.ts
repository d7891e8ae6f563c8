import { createHash, hkdfSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { makeSealing } from '../../src/idempotency/sealing.ts';
import { deriveKey } from '../../src/secrets.ts';
import { call } from '../support/api.ts';
import { startService } from '../support/service.ts';

const SECRET = 'a server secret of tests that is long enough to be one';
const CLIENT_KEY = 'only-the-client-knows-this-7f3a91';
const service = await startService({ LATCHKEY_SECRET: SECRET });

type Row = { key_hash: Buffer; request_hash: Buffer; row_id: string; organization_id: string; sealed: Buffer };

async function makeKey() {
  const acme = await service.organizations.add();
  const { body } = await call(service, 'POST', '/v1/api-keys', {
    token: await acme.session(),
    headers: { 'idempotency-key': CLIENT_KEY },
    body: { label: 'a key', permission_set: 'read_only' },
  });
  const row = (await service.db('idempotency_keys').where({ organization_id: acme.id }).first()) as Row;
  return { acme, value: String(body['value']), body, row };
}

async function wholeDatabase(): Promise<string> {
  const { rows: tables } = await service.db.raw<{ rows: { name: string }[] }>(
    "select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'",
  );
  const texts: string[] = [];
  for (const { name } of tables) {
    const { rows } = await service.db.raw<{ rows: { text: string }[] }>('select t::text as text from ?? t', [name]);
    texts.push(...rows.map(({ text }) => text));
  }
  return texts.join('\n');
}

describe('a sealed answer', () => {
  test("opens with its client's key, for its own record alone", async () => {
    const { body, row } = await makeKey();
    const sealing = makeSealing(deriveKey(SECRET, 'idempotency seal'));
    expect(sealing.unseal(row.sealed, CLIENT_KEY, row.key_hash)).toEqual(body);
    expect(() => sealing.unseal(row.sealed, `${CLIENT_KEY}x`, row.key_hash)).toThrow(/authenticate/);
    expect(() => sealing.unseal(row.sealed, CLIENT_KEY, row.request_hash)).toThrow(/authenticate/);
    const other = makeSealing(deriveKey(`${SECRET}x`, 'idempotency seal'));
    expect(() => other.unseal(row.sealed, CLIENT_KEY, row.key_hash)).toThrow(/authenticate/);
    const changed = Buffer.from(row.sealed);
    changed[changed.length - 1]! ^= 1;
    expect(() => sealing.unseal(changed, CLIENT_KEY, row.key_hash)).toThrow(/authenticate/);
  });

  test("does not open with the whole database and the service's secret", async () => {
    const { acme, row } = await makeKey();
    const columns = [row.key_hash, row.request_hash, row.sealed, Buffer.from(row.row_id), Buffer.from(acme.id)];
    const owner = acme.userId('owner');
    const texts = ['', SECRET, acme.id, row.row_id, owner, 'createApiKey', JSON.stringify([acme.id, 'user', owner])];
    const guesses = new Set([...texts, ...columns.flatMap((it) => [it.toString('hex'), it.toString('base64')])]);
    const derived = ['idempotency seal', 'idempotency place', 'api key hash'].map((use) => deriveKey(SECRET, use));
    for (const secret of [Buffer.from(SECRET), Buffer.alloc(32), ...derived]) {
      guesses.add(Buffer.from(hkdfSync('sha256', secret, row.key_hash, '', 32)).toString('hex'));
      guesses.add(createHash('sha256').update(secret).update(row.key_hash).digest('hex'));
      const sealing = makeSealing(secret);
      for (const guess of guesses)
        expect(() => sealing.unseal(row.sealed, guess, row.key_hash)).toThrow(/authenticate/);
    }
  });

  test("leaves neither the client's key nor a key's secret in the database or the log", async () => {
    const { value } = await makeKey();
    const text = await wholeDatabase();
    expect(text).toContain('a key');
    for (const secret of [CLIENT_KEY, value, value.slice(3)]) {
      const forms = [secret, Buffer.from(secret).toString('hex'), Buffer.from(secret).toString('base64').slice(0, 24)];
      for (const form of forms) expect(text).not.toContain(form);
      const hashes = (['sha256', 'sha1', 'md5'] as const).map((it) => createHash(it).update(secret).digest('hex'));
      for (const hash of hashes) expect(text).not.toContain(hash);
      expect(service.logs.join('')).not.toContain(secret);
    }
  });

  test('is sealed differently each time', async () => {
    const sealing = makeSealing(deriveKey(SECRET, 'idempotency seal'));
    const place = Buffer.alloc(32, 1);
    const seals = Array.from({ length: 100 }, () => sealing.seal({ value: 'x' }, CLIENT_KEY, place).toString('hex'));
    expect(new Set(seals.map((text) => text.slice(0, 24))).size).toBe(100);
  });
});
