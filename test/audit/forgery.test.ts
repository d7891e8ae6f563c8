import { beforeEach, describe, expect, test } from 'vitest';
import type { Knex } from 'knex';
import { toEvent } from '../../src/audit/audit-row.ts';
import { describeBreak } from '../../src/audit/break.ts';
import { refuseUnkeyedLinks } from '../../src/audit/seals/closing.ts';
import { hashUnkeyedLink } from '../../src/audit/unkeyed-link.ts';
import { openSealedLog } from './sealed-log.ts';

const { db, audit, seals, seal, append, verify, ...log } = await openSealedLog();
let acme: string;

type Act = Parameters<typeof log.attack>[1];
const asOwner = (act: Act, check: () => Promise<unknown>) => log.attack(acme, act, check);
const eventsOf = (trx: Knex) => trx('audit_events').where({ organization_id: acme });
const headOf = (trx: Knex) => trx('audit_chain_heads').where({ organization_id: acme });

beforeEach(async () => {
  [acme] = await log.begin();
});

/** Gives the events from this one on links that anybody can make, and moves the head, as if it had always been so. */
async function rewriteWithoutKey(trx: Knex, from: number): Promise<void> {
  let previous: Buffer = Buffer.alloc(32);
  for (const row of await eventsOf(trx).orderBy('sequence')) {
    if (Number(row.sequence) >= from) {
      const hash = hashUnkeyedLink(previous, toEvent(row));
      await eventsOf(trx).where({ sequence: row.sequence }).update({ hash, link_version: 1, link_key: '' });
      previous = hash;
    } else {
      previous = row.hash;
    }
  }
  await headOf(trx).update({ hash: previous });
}

/** As the service's own role: the connection, when there is one only, and a transaction's otherwise. */
function asRole(work: (trx: Knex.Transaction) => Promise<unknown>): Promise<unknown> {
  return db.transaction(async (trx) => {
    await trx.raw('set local role latchkey_app');
    await work(trx);
  });
}

describe("the application's role", () => {
  const backdated = { occurred_at: new Date(0), actor_kind: 'user', actor_id: 'user_framed' };

  test.each<[string, (trx: Knex) => Promise<unknown>]>([
    ['moves a head', (trx) => headOf(trx).update({ sequence: 3 })],
    ['makes a head', (trx) => trx('audit_chain_heads').insert({ organization_id: 'x', sequence: 1, hash: '' })],
    ['removes a head', (trx) => headOf(trx).del()],
    ['moves a head as the last release did', (trx) => trx('audit_heads').update({ sequence: 3 })],
    [
      'adds an event past the function',
      async (trx) => {
        const row = await eventsOf(trx).first();
        await trx('audit_events').insert({ ...row, ...backdated, details: '{}', id: 'audit_forged', sequence: 7 });
      },
    ],
    ['replaces the function', (trx) => trx.raw('drop function append_audit_events(text, jsonb)')],
    ['removes what closed the upgrade', (trx) => trx('audit_closing_seals').del()],
  ])('%s, and may not', async (_what, attack) => {
    await expect(asRole(attack)).rejects.toMatchObject({ code: '42501' });
  });

  test('adds a backdated event in the name of another actor, by the function: found, and which', () =>
    asOwner(
      async (trx) => {
        const hash = Buffer.alloc(32, 1).toString('base64');
        const forged = { ...(await eventsOf(trx).first()), ...backdated, id: 'audit_forged', sequence: 7, hash };
        await trx.raw('set local role latchkey_app');
        await trx.raw('select append_audit_events(?, ?)', [acme, JSON.stringify([forged])]);
      },
      async () => {
        await append(acme, 8);
        const { breaks } = await audit.verify(db, undefined, { sealPaths: [seals] });
        expect(breaks).toMatchObject([{ kind: 'changed', sequence: 7, id: 'audit_forged' }]);
        expect(describeBreak(breaks[0]!)).toBe(
          `${acme}  event 7  audit_forged  changed: it is not what followed the event before it  ` +
            `by the application's role when it was added, or the owner of the database`,
        );
      },
    ));

  test.each([
    ['out of place', { sequence: 9 }],
    ['without a key', { link_key: '' }],
    ['with half a hash', { hash: 'AAAA' }],
  ])('adds an event %s, and may not', async (_what, change) => {
    const row = {
      ...(await eventsOf(db).first()),
      id: 'audit_x',
      sequence: 7,
      hash: Buffer.alloc(32).toString('base64'),
    };
    const added = asRole((trx) =>
      trx.raw('select append_audit_events(?, ?)', [acme, JSON.stringify([{ ...row, ...change }])]),
    );
    await expect(added).rejects.toMatchObject({ code: '23514' });
  });

  test('marks heads as sealed that are not: found', async () => {
    await append(acme, 7);
    await asRole((trx) => trx.raw(`select mark_audit_heads_sealed(array[?], array[7]::bigint[])`, [acme]));
    expect(await verify()).toEqual([['mark', acme, 7, 7]]);
    await append(acme, 8);
    await seal();
  });
});

describe('the owner of the database', () => {
  test('cuts the tail and moves the head back', () =>
    asOwner(
      async (trx) => {
        await eventsOf(trx).where('sequence', '>', 4).del();
        const last = await eventsOf(trx).where({ sequence: 4 }).first();
        await headOf(trx).update({ sequence: 4, hash: last.hash, sealed_sequence: 4 });
      },
      async () => expect(await verify()).toEqual([['cut', acme, 5, 6]]),
    ));

  test('changes an actor', () =>
    asOwner(
      (trx) => eventsOf(trx).where({ sequence: 2 }).update({ actor_id: 'user_framed' }),
      async () => expect(await verify()).toEqual([['changed', acme, 2, 2]]),
    ));

  test('changes an actor and recomputes every link as before there were keys', () =>
    asOwner(
      async (trx) => {
        await trx.raw('alter table audit_events drop constraint audit_events_keyed_check');
        await eventsOf(trx).where({ sequence: 4 }).update({ actor_id: 'user_framed' });
        await rewriteWithoutKey(trx, 4);
        await trx.raw(
          'alter table audit_events add constraint audit_events_keyed_check check (link_version > 1) not valid',
        );
      },
      async () =>
        expect(await verify()).toEqual([
          ['unkeyed', acme, 4, 4],
          ['unkeyed', acme, 5, 5],
          ['unkeyed', acme, 6, 6],
          ['rewritten', acme, 4, 6],
        ]),
    ));

  test('does the same and pretends that the upgrade was never closed: the seals say that it was', () =>
    asOwner(
      async (trx) => {
        await trx.raw('alter table audit_events drop constraint audit_events_keyed_check');
        await rewriteWithoutKey(trx, 1);
      },
      async () => {
        expect(await verify(acme)).toEqual([
          ...[1, 2, 3, 4, 5, 6].map((n) => ['unkeyed', acme, n, n]),
          ['rewritten', acme, 1, 6],
        ]);
        await eventsOf(db).del();
        await refuseUnkeyedLinks(db);
      },
    ));

  test('swaps two events', () =>
    asOwner(
      async (trx) => {
        await eventsOf(trx).where({ sequence: 3 }).update({ sequence: 99 });
        await eventsOf(trx).where({ sequence: 4 }).update({ sequence: 3 });
        await eventsOf(trx).where({ sequence: 99 }).update({ sequence: 4 });
      },
      async () =>
        expect(await verify()).toEqual([
          ['changed', acme, 3, 3],
          ['changed', acme, 4, 4],
          ['changed', acme, 5, 5],
        ]),
    ));

  test('removes a whole organization', () =>
    asOwner(
      async (trx) => {
        await eventsOf(trx).del();
        await headOf(trx).del();
      },
      async () => expect(await verify()).toEqual([['removed', acme, 1, 6]]),
    ));

  test('and has the secret too: rewrites with keyed links, and the seals show from which event on', () =>
    asOwner(
      async (trx) => {
        await eventsOf(trx).where({ sequence: 5 }).update({ actor_id: 'user_framed' });
        let previous: Buffer = (await eventsOf(trx).where({ sequence: 4 }).first()).hash;
        for (const row of await eventsOf(trx).where('sequence', '>', 4).orderBy('sequence')) {
          previous = audit.chain.link(previous, toEvent(row)).hash;
          await eventsOf(trx).where({ sequence: row.sequence }).update({ hash: previous });
        }
        await headOf(trx).update({ hash: previous });
      },
      async () => expect(await verify()).toEqual([['rewritten', acme, 4, 6]]),
    ));
});
