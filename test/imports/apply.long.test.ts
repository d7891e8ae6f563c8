import { beforeEach, describe, expect, test } from 'vitest';
import { verifyKey } from '../support/api.ts';
import { anOldKey, categories, rowOf, startImports, storedKeys } from './imports.ts';
import type { OldKey } from './imports.ts';

const { service, write, apply, undo, parts } = await startImports();

const sum = (counts: readonly number[]) => counts.reduce((all, one) => all + one, 0);

class Died extends Error {}

/** Dies when a fault point is passed for the n-th time. */
function dieAt(point: string, times = 1) {
  let left = times;
  return (name: string) => {
    if (name === point && --left === 0) throw new Died(name);
  };
}

/** A file of so many keys of one organization. */
async function aFile(count: number) {
  const acme = await service.organizations.add();
  const keys = Array.from({ length: count }, () => anOldKey());
  return { acme, keys, path: write(keys.map((key) => rowOf(key, acme.id))) };
}

const works = async ({ secret }: OldKey) => (await verifyKey(service, { key: secret })).body['valid'];
const countOf = async (organizationId: string) => (await storedKeys(service, organizationId)).length;
const eventsOf = (organizationId: string) =>
  service.db('audit_events').where({ organization_id: organizationId }).orderBy('sequence').select('action', 'details');
const countsOf = async (organizationId: string): Promise<number[]> =>
  (await eventsOf(organizationId)).map(({ details }) => details.keys);
const runOf = async () => (await parts.runs.list()).find(({ name }) => name === 'old')!;

describe('an apply', () => {
  test('imports once, however often the file is read', async () => {
    const { acme, path } = await aFile(3);
    expect((await apply(path)).rows.map(({ category }) => category)).toEqual(['ready', 'ready', 'ready']);
    expect((await apply(path)).rows.map(({ category }) => category)).toEqual(['already', 'already', 'already']);
    expect(await countOf(acme.id)).toBe(3);
    expect(await eventsOf(acme.id)).toEqual([{ action: 'key_import.applied', details: { import: 'old', keys: 3 } }]);
  });

  test('records one audit event a batch and organization, in chains that hold', async () => {
    const [a, b] = [await service.organizations.add(), await service.organizations.add()];
    const rows = Array.from({ length: 1_500 }, (_, i) => rowOf(anOldKey(), i % 2 === 0 ? a.id : b.id));
    await apply(write(rows));
    const [ofA, ofB] = [await countsOf(a.id), await countsOf(b.id)];
    // Rows are ordered by organization: only the one that the batches part has two events.
    expect([ofA.length + ofB.length, sum(ofA), sum(ofB)]).toEqual([3, 750, 750]);
  });

  test('brings what a newer export adds, and ends what it disables', async () => {
    const { acme, keys, path } = await aFile(2);
    await apply(path);
    expect(await works(keys[0]!)).toBe(true);
    const added = anOldKey();
    const newer = [
      rowOf(keys[0]!, acme.id, { enabled: false }),
      rowOf(keys[1]!, acme.id),
      rowOf(added, acme.id),
      rowOf(anOldKey(), acme.id, { enabled: false }),
    ];
    expect(categories((await apply(write(newer))).rows)).toEqual(['1 ended', '2 already', '3 ready', '4 disabled']);
    expect([await works(keys[1]!), await works(added)]).toEqual([true, true]);
    expect(await storedKeys(service, acme.id).where({ status: 'revoked' })).toHaveLength(1);
    expect((await eventsOf(acme.id)).map(({ action }) => action)).toContain('api_key.revoked');
    // A row that is disabled still ends nothing twice.
    expect(categories((await apply(write(newer))).rows)[0]).toBe('1 disabled');
  });

  test('does not revive a key that was revoked here', async () => {
    const { acme, keys, path } = await aFile(1);
    await apply(path);
    await service
      .db('api_keys')
      .where({ organization_id: acme.id })
      .update({ status: 'revoked', revoked_at: new Date() });
    expect((await apply(path)).rows).toMatchObject([{ category: 'already' }]);
    expect(await works(keys[0]!)).toBe(false);
  });

  test('leaves the good rows of a batch with bad ones', async () => {
    const { acme, keys } = await aFile(3);
    const path = write([
      rowOf(keys[0]!, acme.id),
      'broken',
      rowOf(keys[1]!, acme.id, { hash: 'x' }),
      rowOf(keys[2]!, acme.id),
    ]);
    expect(categories((await apply(path)).rows)).toEqual(['1 ready', '2 malformed', '3 hash_malformed', '4 ready']);
    expect(await countOf(acme.id)).toBe(2);
    expect(await runOf()).toMatchObject({ state: 'applied', position: 4, imported: 2, refused: 2 });
  });

  test.each([
    ['before its first batch', 'import.judged', 1, 0],
    ['behind its first batch', 'import.batch', 1, 1_000],
    ['before its second batch', 'import.judged', 2, 1_000],
    ['behind its last batch', 'import.batch', 3, 2_500],
  ])('goes on where it died: %s', async (_when, point, times, committed) => {
    const { acme, path, keys } = await aFile(2_500);
    await expect(apply(path, { at: dieAt(point, times) })).rejects.toThrow(Died);
    expect(await countOf(acme.id)).toBe(committed);
    const { resumed, whole, rows } = await apply(path);
    expect([resumed, whole, rows.length]).toEqual([committed, true, 2_500 - committed]);
    expect(rows.every(({ category }) => category === 'ready')).toBe(true);
    expect(await countOf(acme.id)).toBe(2_500);
    expect(await runOf()).toMatchObject({ state: 'applied', position: 2_500, imported: 2_500 });
    expect([await works(keys[0]!), await works(keys.at(-1)!)]).toEqual([true, true]);
  });

  test('remembers rows before the last batch when it goes on', async () => {
    const { acme, keys } = await aFile(1_001);
    const rows = keys.map((key) => rowOf(key, acme.id));
    const path = write([...rows, rowOf({ ...anOldKey(), id: keys[0]!.id }, acme.id)]);
    await expect(apply(path, { at: dieAt('import.batch') })).rejects.toThrow(Died);
    expect(categories((await apply(path)).rows)).toEqual(['1001 ready', '1002 duplicate']);
  });

  test('is undone by a transaction that fails in its middle', async () => {
    const { acme, path } = await aFile(10);
    await service.db.raw(
      'alter table audit_chain_heads add constraint planted check (organization_id <> ?) not valid'.replace(
        '?',
        `'${acme.id}'`,
      ),
    );
    await expect(apply(path)).rejects.toThrow('planted');
    await service.db.raw('alter table audit_chain_heads drop constraint planted');
    expect([await countOf(acme.id), (await eventsOf(acme.id)).length]).toEqual([0, 0]);
    expect(await apply(path)).toMatchObject({ whole: true, resumed: 0 });
    expect(await countOf(acme.id)).toBe(10);
  });

  test('stops between batches, and goes on', async () => {
    const { acme, path } = await aFile(1_200);
    const stopping = new AbortController();
    const stop = (name: string) => void (name === 'import.batch' && stopping.abort());
    expect(await apply(path, { at: stop, signal: stopping.signal })).toMatchObject({ whole: false });
    expect(await countOf(acme.id)).toBe(1_000);
    expect(await apply(path)).toMatchObject({ whole: true, resumed: 1_000 });
    expect(await countOf(acme.id)).toBe(1_200);
  });

  test('stops when another apply has begun, and each row is imported once', async () => {
    const { acme, path } = await aFile(3_000);
    let other: Promise<unknown> | undefined;
    const at = async (name: string) => {
      if (name === 'import.batch') await (other ??= apply(path));
    };
    await expect(apply(path, { at })).rejects.toThrow("Another process works on the import 'old' now");
    expect(await other).toMatchObject({ whole: true, resumed: 1_000 });
    expect(await countOf(acme.id)).toBe(3_000);
    expect(await runOf()).toMatchObject({ imported: 3_000 });
  });
});

async function undoBehindBatch(name: string): Promise<void> {
  if (name === 'import.batch') await undo('old');
}

describe('an undo', () => {
  // Of the tests before.
  beforeEach(() => undo('old'));

  test('removes keys that were never used, and leaves the others', async () => {
    const { acme, keys, path } = await aFile(5);
    await apply(path);
    expect(await works(keys[0]!)).toBe(true);
    const unused = () => storedKeys(service, acme.id).where({ hash_key: 'import:old' });
    await expect.poll(async () => (await unused()).length).toBe(4);
    const of = (key: OldKey) => service.db('api_keys').where({ label: `key ${key.id}` });
    await of(keys[1]!).update({ status: 'revoked', revoked_at: new Date() });
    await of(keys[2]!).update({ rotated_to: 'api_key_next' });
    expect(await undo('old')).toBe('undone');
    const left = (await storedKeys(service, acme.id)).map(({ label }: { label: string }) => label);
    expect(left.toSorted()).toEqual(
      keys
        .slice(0, 3)
        .map(({ id }) => `key ${id}`)
        .toSorted(),
    );
    expect([await works(keys[3]!), await works(keys[0]!)]).toEqual([false, true]);
    expect((await eventsOf(acme.id)).at(-1)).toEqual({
      action: 'key_import.undone',
      details: { import: 'old', keys: 2 },
    });
  });

  test('leaves a key whose use is recorded, though its hash is still the old one', async () => {
    const { acme, path } = await aFile(2);
    const { rows } = await apply(path);
    const used = { organization_id: acme.id, key_id: rows[0]!.keyId, used_at: new Date() };
    await service.db('key_last_uses').insert(used);
    await undo('old');
    expect(await storedKeys(service, acme.id)).toMatchObject([{ workos_id: rows[0]!.keyId }]);
  });

  test.each([
    ['behind its first batch', 1],
    ['behind its second batch', 2],
  ])('goes on where it died: %s; until then nothing is applied', async (_when, times) => {
    const { acme, path } = await aFile(2_200);
    await apply(path);
    await expect(undo('old', dieAt('undo.batch', times))).rejects.toThrow(Died);
    expect(await countOf(acme.id)).toBe(2_200 - 1_000 * times);
    await expect(apply(path)).rejects.toThrow("The undo of the import 'old' is not finished");
    expect(await undo('old')).toBe('undone');
    expect(await countOf(acme.id)).toBe(0);
    expect(await apply(path)).toMatchObject({ whole: true, resumed: 0 });
    expect(await countOf(acme.id)).toBe(2_200);
  });

  test('stops an apply that runs', async () => {
    const { acme, path } = await aFile(2_000);
    await expect(apply(path, { at: undoBehindBatch })).rejects.toThrow('Another process');
    expect(await countOf(acme.id)).toBe(0);
  });

  test('knows no import that was never applied', async () => {
    expect(await undo('never')).toBe('unknown');
  });
});
