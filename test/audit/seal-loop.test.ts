import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readAuditConfig } from '../../src/audit/audit-config.ts';
import { readConfig } from '../../src/app/read-config.ts';
import { createKey } from '../support/api.ts';
import { makeTestAudit, someSecret } from '../support/audit.ts';
import { restartWith } from '../support/restart.ts';
import { environment, startService } from '../support/service.ts';

const folder = await mkdtemp(join(tmpdir(), 'latchkey-seals-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const seals = join(folder, 'seals');
const secret = someSecret();
const env = { LATCHKEY_SECRET: secret, LATCHKEY_AUDIT_SEALS: seals };
const service = await startService(env);
const audit = makeTestAudit(service.clock, { secret, previousSecrets: [] });

const seal = () => service.background.runOnce('seal_audit_heads');
const linesOf = async () => (await readFile(seals, 'utf8')).trimEnd().split('\n');
const lagOf = async () => {
  await service.background.runOnce('read_gauges');
  const page = await (await fetch(`${service.url}/metrics`)).text();
  return /^latchkey_lag_seconds\{loop="seal_audit_heads"\} (\S+)$/m.exec(page)?.[1];
};

describe('the seal_audit_heads loop', () => {
  test('seals each head once, and again when it moves', async () => {
    const acme = await service.organizations.add();
    const owner = await acme.session();
    await createKey(service, owner);
    await seal();
    await seal();
    await createKey(service, owner);
    await seal();
    const read = (await linesOf()).map((line) => audit.sealer.read(line));
    expect(read).toMatchObject([
      { number: 1, previous: '', heads: [{ organizationId: acme.id, sequence: 1 }] },
      { number: 2, heads: [{ organizationId: acme.id, sequence: 2 }] },
    ]);
    const verified = await audit.verify(service.db, undefined, { sealPaths: [seals] });
    expect(verified.breaks).toEqual([]);
    expect(verified.seals.count).toBe(2);
  });

  test('seals a quiet log every hour', async () => {
    const before = (await linesOf()).length;
    await seal();
    expect(await linesOf()).toHaveLength(before);
    service.clock.advance(60 * 60_000);
    await seal();
    expect(audit.sealer.read((await linesOf()).at(-1)!)).toMatchObject({ number: before + 1, heads: [] });
  });

  test('fails while the file cannot be written: the lag grows, and nothing is marked as sealed', async () => {
    const acme = await service.organizations.add();
    await seal();
    await createKey(service, await acme.session());
    const kept = await readFile(seals);
    await rm(seals);
    await mkdir(seals);
    await expect(seal()).rejects.toMatchObject({ code: 'EISDIR' });
    service.clock.advance(120_000);
    expect(Number(await lagOf())).toBeGreaterThanOrEqual(120);
    await rm(seals, { recursive: true });
    await writeFile(seals, kept);
    await seal();
    expect(await lagOf()).toBe('0');
    expect((await audit.verify(service.db, undefined, { sealPaths: [seals] })).breaks).toEqual([]);
  });

  test('takes turns with another process, and splits many heads into several seals', async () => {
    const other = await restartWith(service, env);
    const heads = Array.from({ length: 2_100 }, (_, i) => ({
      organization_id: `many_${i}`,
      sequence: 0,
      hash: Buffer.alloc(32),
    }));
    await service.db.batchInsert('audit_chain_heads', heads, 1_000);
    await service.db('audit_chain_heads').whereLike('organization_id', 'many_%').update({ sealed_sequence: -1 });
    const before = (await linesOf()).length;
    await Promise.all([seal(), other.background.runOnce('seal_audit_heads')]);
    expect((await linesOf()).length - before).toBe(3);
    expect(await lagOf()).toBe('0');
  });

  describe('LATCHKEY_AUDIT_SEALS', () => {
    test.each([
      ['s3://bucket/seals', /LATCHKEY_AUDIT_SEALS:? needs the path of a file; mount an object store as a folder/],
      ['https://seals.example', /LATCHKEY_AUDIT_SEALS:? needs the path of a file/],
      ['seals', /LATCHKEY_AUDIT_SEALS:? needs the absolute path of a file/],
    ])('refuses %s', (value, message) => {
      const given = { ...environment(service.workos), LATCHKEY_AUDIT_SEALS: value };
      expect(() => readConfig({ ...given, DATABASE_URL: 'postgres://x/y' })).toThrow(message);
      expect(() => readAuditConfig({ ...given, DATABASE_URL: 'postgres://x/y' })).toThrow(message);
    });

    test('takes a file:// address', () => {
      const given = { ...environment(service.workos), LATCHKEY_AUDIT_SEALS: 'file:///var/seals' };
      expect(readConfig({ ...given, DATABASE_URL: 'postgres://x/y' }).audit.sealsPath).toBe('/var/seals');
    });

    test('stops the start when nothing can be written there', async () => {
      const start = restartWith(service, { ...env, LATCHKEY_AUDIT_SEALS: join(folder, 'none', 'seals') });
      await expect(start).rejects.toThrow(/^LATCHKEY_AUDIT_SEALS: the file cannot be written: ENOENT/);
    });
  });
});
