import { afterAll, expect, test } from 'vitest';
import type { Knex } from 'knex';
import { toEvent } from '../../src/audit/audit-row.ts';
import { closeUpgrade } from '../../src/audit/seals/closing.ts';
import { hashUnkeyedLink } from '../../src/audit/unkeyed-link.ts';
import { transaction } from '../../src/db/transaction.ts';
import { ulid } from '../../src/ids.ts';
import { anAuditEvent, makeTestAudit } from '../support/audit.ts';
import { makeTestClock } from '../support/clock.ts';
import { freshDatabase } from '../support/database.ts';

const { db, close } = await freshDatabase();
afterAll(close);
const clock = makeTestClock();
const audit = makeTestAudit(clock);

/** Appends as the release before keyed links did: its statements, word for word, by the role that it had. */
function appendUnkeyed(organizationId: string, i: number): Promise<unknown> {
  return transaction(db, async (trx) => {
    await trx.raw('set local role latchkey_app');
    const { rows } = await trx.raw<{ rows: { sequence: string; hash: Buffer }[] }>(
      `insert into audit_heads as head (organization_id, sequence, hash) values (?, 0, ?)
     on conflict (organization_id) do update set sequence = head.sequence
     returning sequence, hash`,
      [organizationId, Buffer.alloc(32)],
    );
    const sequence = Number(rows[0]!.sequence) + 1;
    const occurredAt = clock();
    const event = { ...anAuditEvent(organizationId, i), sequence, id: `audit_${ulid(occurredAt)}`, occurredAt };
    const hash = hashUnkeyedLink(rows[0]!.hash, event);
    await trx('audit_events').insert([
      {
        organization_id: organizationId,
        sequence,
        id: event.id,
        occurred_at: occurredAt,
        action: event.action,
        actor_kind: event.actor.kind,
        actor_id: event.actor.id,
        target_kind: event.target.kind,
        target_id: event.target.id,
        request_id: event.requestId ?? null,
        ip: event.ip ?? null,
        details: JSON.stringify(event.details),
        hash,
      },
    ]);
    await trx('audit_heads').where({ organization_id: organizationId }).update({ sequence, hash });
  });
}

const appendKeyed = (organizationId: string, i: number) =>
  transaction(db, (trx) => audit.append(trx, anAuditEvent(organizationId, i)));
const eventsOf = (trx: Knex, organizationId: string) =>
  trx('audit_events').where({ organization_id: organizationId }).orderBy('sequence');
const found = async (organizationId?: string) => {
  const { breaks, unkeyed, unproven } = await audit.verify(db, organizationId);
  return { breaks: breaks.map(({ kind, sequence }) => [kind, sequence]), unkeyed, unproven };
};

test('continues the log of the previous release, while both releases append to it', async () => {
  for (let i = 0; i < 3; i++) await appendUnkeyed('org_old', i);
  expect(await found('org_old')).toEqual({ breaks: [], unkeyed: 3, unproven: 0 });
  await Promise.all(
    Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? appendKeyed('org_old', i) : appendUnkeyed('org_old', i))),
  );
  const { breaks, unkeyed, unproven } = await found('org_old');
  expect(unkeyed).toBe(23);
  // Those are told apart, and are all that there is to say.
  expect(breaks).toHaveLength(unproven);
  expect(new Set(breaks.map(([kind]) => kind))).toEqual(new Set(['unproven']));
  const rows = await eventsOf(db, 'org_old');
  expect(rows.map(({ sequence }) => Number(sequence))).toEqual(Array.from({ length: 43 }, (_, i) => i + 1));
});

test('reports events that the role forged without a key as not proven until the upgrade is closed', async () => {
  await appendKeyed('org_forged', 1);
  await appendUnkeyed('org_forged', 2);
  expect(await found('org_forged')).toEqual({ breaks: [['unproven', 2]], unkeyed: 1, unproven: 1 });
});

test('revokes the rights of the previous release when it is closed, and seals events without a key as they are', async () => {
  for (let i = 0; i < 3; i++) await appendUnkeyed('org_before', i);
  expect(await closeUpgrade(db, audit.sealer, clock)).toBe(3);
  expect(await closeUpgrade(db, audit.sealer, clock)).toBeUndefined();
  const late = appendUnkeyed('org_old', 99);
  await expect(late).rejects.toMatchObject({ code: '42501' });
  await appendKeyed('org_old', 100);
  expect((await found()).breaks).toEqual([]);

  // Whoever owns the database can rewrite what has no key, as ever, and not what was sealed of it.
  const only = 'constraint audit_events_keyed_check';
  await db.raw(`alter table audit_events disable trigger user, drop ${only}`);
  await eventsOf(db, 'org_before').where({ sequence: 2 }).update({ actor_id: 'user_framed' });
  let previous: Buffer = Buffer.alloc(32);
  for (const row of await eventsOf(db, 'org_before')) {
    previous = hashUnkeyedLink(previous, toEvent(row));
    await db('audit_events').where({ id: row.id }).update({ hash: previous });
  }
  await db('audit_chain_heads').where({ organization_id: 'org_before' }).update({ hash: previous });
  await db.raw(`alter table audit_events enable trigger user, add ${only} check (link_version > 1) not valid`);
  expect(await found('org_before')).toEqual({ breaks: [['rewritten', 1]], unkeyed: 3, unproven: 0 });
});

test('a closing seal that is removed or changed is found, and so is what it vouched for', async () => {
  const [line] = await db('audit_closing_seals');
  await db('audit_closing_seals').update({ line: line.line.replace('org_forged', 'org_FORGED') });
  const changed = await found('org_forged');
  expect(changed.breaks).toEqual([
    ['closing_missing', 1],
    ['unkeyed', 2],
  ]);
  await db('audit_closing_seals').del();
  expect((await found('org_forged')).breaks).toEqual([['unkeyed', 2]]);
});
