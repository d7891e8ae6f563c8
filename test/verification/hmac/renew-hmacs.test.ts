import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { makeRenewHashes } from '../../../src/verification/hmac/renew-hmacs.ts';
import { aKey, keyEvent, startMirror } from '../../support/mirror.ts';

const { db, apply } = await startMirror();
const warn = vi.fn<(...logged: unknown[]) => void>();
const renewHash = makeRenewHashes({ db, hmacKeyId: 'new', log: { warn }, gatherMs: 20 });

beforeEach(() => warn.mockClear());

/** A key that is known by a hash of an old secret. */
async function oldKey() {
  const key = aKey();
  await apply(keyEvent('api_key.created', key));
  const [from, to] = [randomBytes(32), randomBytes(32)];
  await db('api_keys').where({ workos_id: key.id }).update({ secret_hash: from, hash_key: 'old' });
  return { id: key.id, from, to };
}

const hashOf = async (id: string) => {
  const row = await db('api_keys').where({ workos_id: id }).first();
  return [row.hash_key, Buffer.from(row.secret_hash)];
};

describe('renewHash', () => {
  test('writes gathered renewals in one statement', async () => {
    const keys = [await oldKey(), await oldKey(), await oldKey()];
    const statements: string[] = [];
    const note = ({ sql }: { sql: string }) => void (sql.includes('secret_hash') && statements.push(sql));
    db.on('query', note);
    for (let i = 0; i < 50; i++) for (const { from, to } of keys) renewHash(from, to);
    await expect.poll(() => statements.length).toBe(1);
    db.off('query', note);
    for (const { id, to } of keys) await expect.poll(() => hashOf(id)).toEqual(['new', to]);
  });

  test('skips a row whose HMAC has changed', async () => {
    const [moved, other] = [await oldKey(), await oldKey()];
    const meanwhile = randomBytes(32);
    renewHash(moved.from, moved.to);
    await db('api_keys').where({ workos_id: moved.id }).update({ secret_hash: meanwhile, hash_key: 'else' });
    renewHash(other.from, other.to);
    await expect.poll(() => hashOf(other.id)).toEqual(['new', other.to]);
    expect(await hashOf(moved.id)).toEqual(['else', meanwhile]);
  });

  test('records the key id of an HMAC that is already current', async () => {
    const { id, from } = await oldKey();
    renewHash(from, from);
    await expect.poll(() => hashOf(id)).toEqual(['new', from]);
  });

  test('logs a failure, and retries at the next use', async () => {
    const { id, from, to } = await oldKey();
    const failing = vi.spyOn(db, 'raw').mockRejectedValueOnce(new Error('no database'));
    renewHash(from, to);
    await expect.poll(() => warn.mock.calls.length).toBe(1);
    failing.mockRestore();
    expect(await hashOf(id)).toEqual(['old', from]);
    renewHash(from, to);
    await expect.poll(() => hashOf(id)).toEqual(['new', to]);
  });

  test('gathers at most a thousand renewals', async () => {
    const raw = vi.spyOn(db, 'raw').mockResolvedValue({ rows: [] });
    for (let i = 0; i < 5_000; i++) renewHash(randomBytes(32), randomBytes(32));
    await expect.poll(() => raw.mock.calls.length).toBe(1);
    await sleep(50);
    const [[, bindings]] = raw.mock.calls as unknown as [[string, [unknown[], unknown[], string]]];
    expect([raw.mock.calls.length, bindings[0].length]).toEqual([1, 1_000]);
    raw.mockRestore();
  });
});
