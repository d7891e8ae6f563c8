import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { KEY_SORTS, makeKeyList } from '../../src/api-keys/rows/key-list.ts';
import type { KeyFilter, KeySort } from '../../src/api-keys/rows/key-list.ts';
import type { KeyStatus } from '../../src/api-keys/key.ts';
import { freshDatabase } from '../support/database.ts';
import { propertyRuns } from '../support/property-runs.ts';

const NOW = new Date('2026-11-22T12:00:00.000Z');
const ORGANIZATION = 'org_listed';
const { db, close } = await freshDatabase();
afterAll(close);
const { list, count } = makeKeyList(db);
await db('tenants').insert({ organization_id: ORGANIZATION, created_at: NOW, updated_at: NOW });

// Few values, so that keys share them.
const time = fc.integer({ min: 0, max: 2 }).map((day) => new Date(NOW.getTime() + day * 86_400_000));
const key = fc.record({
  label: fc.constantFrom('a', 'A', 'b_', 'B%', 'ä', 'Z', '\u{1f511}', '鍵'),
  created_at: time,
  expires_at: fc.option(time),
  last: fc.constantFrom('aaaa', 'bbbb'),
  suspended: fc.boolean(),
});
type Made = { id: string; label: string; created_at: Date; expires_at: Date | null; last: string; suspended: boolean };

const isOver = ({ expires_at: at }: Made) => at !== null && at <= NOW;
const STATUSES: Record<KeyStatus | 'any', (made: Made) => boolean> = {
  any: () => true,
  active: (made) => !isOver(made) && !made.suspended,
  suspended: (made) => !isOver(made) && made.suspended,
  expired: isOver,
  revoked: () => false,
};
type Status = keyof typeof STATUSES;
const statusOf = (status: Status) => (status === 'any' ? undefined : status);

const FILTERS: Record<string, (made: Made) => boolean> = {
  '': () => true,
  a: ({ label }) => label.toLowerCase().includes('a'),
  _: ({ label }) => label.includes('_'),
  bbbb: ({ last }) => last === 'bbbb',
  api_key_03: ({ id }) => id === 'api_key_03',
};

async function fill(keys: Omit<Made, 'id'>[]): Promise<Made[]> {
  await db('api_keys').where({ organization_id: ORGANIZATION }).del();
  const made = keys.map((one, i) => ({ ...one, id: `api_key_${String(i).padStart(2, '0')}` }));
  const rows = made.map(({ id, last, suspended, ...one }) => ({
    ...one,
    ...(suspended && { suspended_at: NOW, suspended_by_kind: 'user', suspended_by_id: 'user_1' }),
    organization_id: ORGANIZATION,
    id,
    workos_id: id,
    origin: 'workos',
    status: 'active',
    metadata: '{}',
    scopes: [],
    prefix: `sk_...${last}`,
    created_by_kind: 'workos',
    created_by_id: 'workos',
    updated_at: NOW,
  }));
  if (rows.length > 0) await db('api_keys').insert(rows);
  return made;
}

const lowerAscii = (text: string) => text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
const BY: Record<KeySort, (a: Made, b: Made) => number> = {
  created_at: (a, b) => a.created_at.getTime() - b.created_at.getTime(),
  '-created_at': (a, b) => b.created_at.getTime() - a.created_at.getTime(),
  expires_at: (a, b) => (a.expires_at?.getTime() ?? 1e15) - (b.expires_at?.getTime() ?? 1e15),
  label: (a, b) => Buffer.compare(Buffer.from(lowerAscii(a.label)), Buffer.from(lowerAscii(b.label))),
};
const byId = (a: Made, b: Made) => (a.id < b.id ? -1 : 1);
const ordered = (keys: Made[], sort: KeySort) =>
  keys.toSorted((a, b) => BY[sort](a, b) || (sort === '-created_at' ? byId(b, a) : byId(a, b)));

/** Reads every page in one direction. @returns the ids in the order of the list */
async function readAll(filter: KeyFilter, sort: KeySort, limit: number, direction: 'after' | 'before', from?: string) {
  const ids: string[] = [];
  for (let cursor = from; ;) {
    const page = { limit, sort, ...(cursor !== undefined && { [direction]: cursor }) };
    const { data, ...cursors } = await list(ORGANIZATION, filter, page, NOW);
    const read = data.map(({ id }) => id);
    expect(read.length).toBeLessThanOrEqual(limit);
    if (direction === 'after') ids.push(...read);
    else ids.unshift(...read);
    cursor = cursors[direction];
    if (cursor === undefined) return ids;
  }
}

describe('the list of keys', () => {
  test('has the order of an array in every sort, forwards and backwards, without a gap or a repeat', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(key, { maxLength: 12 }),
        fc.constantFrom(...KEY_SORTS),
        fc.constantFrom(...Object.keys(FILTERS)),
        fc.constantFrom(...(Object.keys(STATUSES) as Status[])),
        fc.integer({ min: 1, max: 4 }),
        async (keys, sort, q, status, limit) => {
          const filter = { q: q === '' ? undefined : q, status: statusOf(status) };
          const made = await fill(keys);
          const all = ordered(made, sort);
          const wanted = all.filter((one) => FILTERS[q]!(one) && STATUSES[status](one)).map(({ id }) => id);
          expect(await readAll(filter, sort, limit, 'after')).toEqual(wanted);
          expect(await count(ORGANIZATION, filter, NOW)).toBe(wanted.length);
          const last = all.at(-1);
          if (!last) return;
          const before = wanted.filter((id) => id !== last.id);
          expect(await readAll(filter, sort, limit, 'before', last.id)).toEqual(before);
        },
      ),
      { numRuns: propertyRuns(150) },
    );
  });

  test.each([
    [20_000, 20_000],
    [20_001, undefined],
  ])('of %i keys is counted as %s', async (keys, counted) => {
    await db('api_keys').where({ organization_id: ORGANIZATION }).del();
    await db.raw(
      `insert into api_keys (organization_id, id, workos_id, origin, status, label, metadata, scopes, prefix, hash_key,
         created_by_kind, created_by_id, created_at, updated_at)
       select ?, 'row_' || i, 'api_key_' || i, 'workos', 'active', 'key', '{}', '{}', 'sk_...', '', 'workos', 'workos', ?, ?
       from generate_series(1, ?::int) i`,
      [ORGANIZATION, NOW, NOW, keys],
    );
    expect(await count(ORGANIZATION, {}, NOW)).toBe(counted);
    expect(await count(ORGANIZATION, { status: 'revoked' }, NOW)).toBe(counted === undefined ? undefined : 0);
  });
});
