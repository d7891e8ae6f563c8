import { appendFile, cp, readFile, rm, writeFile } from 'node:fs/promises';
import { beforeEach, expect, test } from 'vitest';
import type { Knex } from 'knex';
import { openSealedLog } from './sealed-log.ts';

const { db, audit, seals, seal, append, verify, ...log } = await openSealedLog();
let acme: string;
let other: string;

type Act = Parameters<typeof log.attack>[1];
const asOwner = (act: Act, check: () => Promise<unknown>) => log.attack(acme, act, check);
const eventsOf = (trx: Knex) => trx('audit_events').where({ organization_id: acme });
const headOf = (trx: Knex) => trx('audit_chain_heads').where({ organization_id: acme });

beforeEach(async () => {
  [acme, other] = await log.begin();
});

const tampered = async (change: (path: string) => Promise<void>) => {
  await cp(seals, `${seals}.kept`);
  await change(seals);
  const found = await verify();
  await cp(`${seals}.kept`, seals);
  return found;
};
const linesOf = async () => (await readFile(seals, 'utf8')).trimEnd().split('\n');

test('a file of seals that is missing', async () => {
  const count = (await linesOf()).length;
  const found = await tampered((path) => rm(path));
  expect(found[0]).toEqual(['seals_behind', undefined, 1, count]);
});

test('a file of seals that is replaced by an older one, and the log is cut to fit: found', () =>
  asOwner(
    async (trx) => {
      await eventsOf(trx).where('sequence', '>', 3).del();
      const last = await eventsOf(trx).where({ sequence: 3 }).first();
      await headOf(trx).update({ sequence: 3, hash: last.hash, sealed_sequence: 3 });
    },
    async () => {
      const lines = await linesOf();
      const found = await tampered((path) => writeFile(path, `${lines.slice(0, -1).join('\n')}\n`));
      expect(found).toEqual([['seals_behind', undefined, lines.length, lines.length]]);
    },
  ));

test('a file of seals that is replaced by an older one, and the database counts no more: found when a seal has to be new', async () => {
  const { cursor } = await db('event_cursors').where({ name: 'audit_seals' }).first();
  const lines = await linesOf();
  const before = audit.sealer.read(lines.at(-2)!);
  if (typeof before === 'string') throw new Error(before);
  await db('event_cursors')
    .where({ name: 'audit_seals' })
    .update({ cursor: `${before.number} ${before.mac}` });
  await cp(seals, `${seals}.kept`);
  await writeFile(seals, `${lines.slice(0, -1).join('\n')}\n`);
  const since = new Date(before.at.getTime() + 1);
  const { breaks } = await audit.verify(db, 'org_nobody', { sealPaths: [seals], sealedSince: since });
  expect(breaks).toMatchObject([{ kind: 'seals_stale' }]);
  // The process that wrote the last seal refuses to go on from one before it.
  log.clock.advance(2 * 60 * 60_000);
  await expect(seal()).rejects.toThrow(/^the database counts \d+ audit seals, but this process wrote number \d+$/);
  await cp(`${seals}.kept`, seals);
  await db('event_cursors').where({ name: 'audit_seals' }).update({ cursor, leased_until: null });
});

test('a file of seals that has lost a line in the middle, or one was changed', async () => {
  const lines = await linesOf();
  const without = lines.toSpliced(1, 1);
  const cut = await tampered((path) => writeFile(path, `${without.join('\n')}\n`));
  expect(cut[0]).toEqual(['seals_missing', undefined, 2, 2]);
  const changed = lines.with(1, lines[1]!.replace(/"heads":\[\["org_/, '"heads":[["org-'));
  const forged = await tampered((path) => writeFile(path, `${changed.join('\n')}\n`));
  expect(forged.slice(0, 2)).toEqual([
    ['seals_forged', undefined, 2, 2],
    ['seals_missing', undefined, 2, 2],
  ]);
});

test('a file of seals that ends in half a line after a crash: what follows is read, and nothing is missing', async () => {
  await appendFile(seals, '{"seal":{"version":1,"num');
  await append(other, 2);
  await seal();
  expect(await verify()).toEqual([]);
  expect((await linesOf()).at(-2)).toBe('{"seal":{"version":1,"num');
});
