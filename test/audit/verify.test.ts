import { afterAll, expect, test } from 'vitest';
import type { Knex } from 'knex';
import { toEvent } from '../../src/audit/audit-row.ts';
import type { Break } from '../../src/audit/break.ts';
import { transaction } from '../../src/db/transaction.ts';
import { anAuditEvent, makeTestAudit, someSecret } from '../support/audit.ts';
import { makeTestClock } from '../support/clock.ts';
import { freshDatabase } from '../support/database.ts';

const { db, close } = await freshDatabase();
afterAll(close);
// The owner of the database can switch off what keeps everybody from changing events; that is whom the chain is for.
await db.raw('alter table audit_events disable trigger user');
const clock = makeTestClock();
const secret = someSecret();
const audit = makeTestAudit(clock, { secret, previousSecrets: [] });
let chains = 0;

/** An organization with that many events, with details of every kind. */
async function chainOf(length: number): Promise<string> {
  const organizationId = `org_${++chains}`;
  const events = Array.from({ length }, (_, i) => anAuditEvent(organizationId, i));
  await transaction(db, (trx) => audit.appendAll(trx, organizationId, events));
  return organizationId;
}

async function verify(organizationId?: string) {
  const { organizations, events, breaks, found } = await audit.verify(db, organizationId);
  expect(found).toBe(breaks.length);
  return { organizations, events, breaks };
}

const event = (organizationId: string, sequence: number) =>
  db('audit_events').where({ organization_id: organizationId, sequence });
const head = (organizationId: string) => db('audit_chain_heads').where({ organization_id: organizationId });

test('finds untouched chains sound, also those longer than a page', async () => {
  const long = await chainOf(2_345);
  await chainOf(1);
  expect(await verify(long)).toEqual({ organizations: 1, events: 2_345, breaks: [] });
  const all = await verify();
  expect(all).toMatchObject({ organizations: chains, breaks: [] });
  expect(all.events).toBeGreaterThanOrEqual(2_346);
});

test('finds an organization without events sound', async () => {
  expect(await verify('org_nobody')).toEqual({ organizations: 1, events: 0, breaks: [] });
});

type Tamper = (organizationId: string) => Promise<unknown>;
const change =
  (values: object): Tamper =>
  (id) =>
    event(id, 3).update(values);

test.each<[string, Tamper, Partial<Break>[]]>([
  ['an action changed', change({ action: 'api_key.revoked' }), [{ kind: 'changed', sequence: 3 }]],
  ['an actor changed', change({ actor_id: 'someone else' }), [{ kind: 'changed', sequence: 3 }]],
  ['a kind of actor changed', change({ actor_kind: 'user' }), [{ kind: 'changed', sequence: 3 }]],
  ['a target changed', change({ target_id: 'api_key_x' }), [{ kind: 'changed', sequence: 3 }]],
  ['an address changed', change({ ip: null }), [{ kind: 'changed', sequence: 3 }]],
  ['a request added', change({ request_id: 'req_x' }), [{ kind: 'changed', sequence: 3 }]],
  ['a time changed', change({ occurred_at: new Date(0) }), [{ kind: 'changed', sequence: 3 }]],
  ['an id changed', change({ id: 'audit_x' }), [{ kind: 'changed', sequence: 3 }]],
  ['details changed', change({ details: '{"i":2}' }), [{ kind: 'changed', sequence: 3 }]],
  [
    'a hash changed',
    change({ hash: Buffer.alloc(32, 7) }),
    [
      { kind: 'changed', sequence: 3 },
      { kind: 'changed', sequence: 4 },
    ],
  ],
  ['an event deleted', (id) => event(id, 3).del(), [{ kind: 'missing', sequence: 3, until: 3 }]],
  [
    'several events deleted',
    (id) => db('audit_events').where({ organization_id: id }).whereBetween('sequence', [2, 4]).del(),
    [{ kind: 'missing', sequence: 2, until: 4 }],
  ],
  ['the first event deleted', (id) => event(id, 1).del(), [{ kind: 'missing', sequence: 1, until: 1 }]],
  ['the last event deleted', (id) => event(id, 6).del(), [{ kind: 'shortened', sequence: 6, until: 6 }]],
  [
    'every event deleted',
    (id) => db('audit_events').where({ organization_id: id }).del(),
    [{ kind: 'shortened', sequence: 1, until: 6 }],
  ],
  ['an event added at the end', (id) => copy(id, 6, 7), [{ kind: 'inserted', sequence: 7 }]],
  ['an event added before the beginning', (id) => copy(id, 1, 0), [{ kind: 'inserted', sequence: 0 }]],
  [
    'an event put in place of a deleted one',
    async (id) => {
      await event(id, 3).del();
      await copy(id, 2, 3);
    },
    [
      { kind: 'changed', sequence: 3 },
      { kind: 'changed', sequence: 4 },
    ],
  ],
  [
    'two events swapped',
    async (id) => {
      await event(id, 3).update({ sequence: 99 });
      await event(id, 4).update({ sequence: 3 });
      await event(id, 99).update({ sequence: 4 });
    },
    [
      { kind: 'changed', sequence: 3 },
      { kind: 'changed', sequence: 4 },
      { kind: 'changed', sequence: 5 },
    ],
  ],
  [
    'the end moved back with the last event',
    async (id) => {
      await event(id, 6).del();
      await head(id).update({ sequence: 5 });
    },
    [{ kind: 'end_changed', sequence: 5 }],
  ],
  ['the end lost', (id) => head(id).del(), [{ kind: 'end_missing', sequence: 6 }]],
])('%s is found, and where', async (_what, tamper, wanted) => {
  const [untouched, touched] = [await chainOf(4), await chainOf(6)];
  await tamper(touched);
  const { breaks } = await verify(touched);
  expect(breaks).toMatchObject(wanted.map((found) => ({ organizationId: touched, ...found })));
  expect(breaks).toHaveLength(wanted.length);
  expect((await verify(untouched)).breaks).toEqual([]);
  const everywhere = (await verify()).breaks.filter(({ organizationId }) => organizationId === touched);
  expect(everywhere).toEqual(breaks);
});

async function copy(organizationId: string, from: number, to: number): Promise<void> {
  const row = (await event(organizationId, from).first()) as Record<string, unknown>;
  await db('audit_events').insert({
    ...row,
    id: `audit_copy_${organizationId}_${to}`,
    sequence: to,
    details: JSON.stringify(row['details']),
  });
}

test('reports no break for events that are added while it reads', async () => {
  const id = await chainOf(50);
  const [{ breaks }] = await Promise.all([
    verify(id),
    transaction(db, (trx: Knex.Transaction) => audit.append(trx, anAuditEvent(id, 50))),
  ]);
  expect(breaks).toEqual([]);
});

test('an object whose entries become an array of pairs is found, though both have the same parts', async () => {
  const id = await chainOf(2);
  await event(id, 1).update({
    details: db.raw(
      `jsonb_set(details, '{empty}', '[]') || '{"a":[null,"ü",[["b","2026-11-20T00:00:00.000Z"],["y",true]]]}'`,
    ),
  });
  expect((await verify(id)).breaks).toMatchObject([{ kind: 'changed', sequence: 1 }]);
});

test('verifies links by the secret that made them, also a previous one, and by no other', async () => {
  const id = await chainOf(2);
  const rotated = makeTestAudit(clock, { secret: someSecret(), previousSecrets: [secret] });
  await transaction(db, (trx) => rotated.append(trx, anAuditEvent(id, 2)));
  const keys = await db('audit_events').where({ organization_id: id }).orderBy('sequence').pluck('link_key');
  expect(keys.map((key) => keys.indexOf(key))).toEqual([0, 0, 2]);
  expect((await rotated.verify(db, id)).breaks).toEqual([]);
  expect((await verify(id)).breaks).toMatchObject([{ kind: 'unknown_key', sequence: 3 }]);
});

test('detects a chain that was rewritten without the secret, even by the owner of the rows', async () => {
  const id = await chainOf(4);
  const guess = makeTestAudit(clock);
  await event(id, 3).update({ actor_id: 'somebody else' });
  const rows = await db('audit_events').where({ organization_id: id }).orderBy('sequence');
  let previous = rows[1].hash as Buffer;
  for (const row of rows.slice(2)) {
    const link = guess.chain.link(previous, toEvent(row));
    await event(id, Number(row.sequence)).update({ hash: link.hash });
    previous = link.hash;
  }
  await head(id).update({ hash: previous });
  expect((await verify(id)).breaks).toMatchObject([
    { kind: 'changed', sequence: 3 },
    { kind: 'changed', sequence: 4 },
  ]);
});
