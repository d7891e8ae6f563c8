import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import type { Knex } from 'knex';
import { refuseUnkeyedLinks } from '../../src/audit/seals/closing.ts';
import { makeSealHeads } from '../../src/audit/seals/seal-heads.ts';
import { appendLine } from '../../src/audit/seals/seals-file.ts';
import { transaction } from '../../src/db/transaction.ts';
import { makeEventCursors } from '../../src/workos-sync/event-cursors.ts';
import { anAuditEvent, makeTestAudit } from '../support/audit.ts';
import { makeTestClock } from '../support/clock.ts';
import { freshDatabase } from '../support/database.ts';

/** A log that is sealed to a file, and attacked with the rights that an attack needs and nothing that it would have to know. */
export async function openSealedLog() {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-seals-'));
  const { db, close } = await freshDatabase();
  afterAll(async () => {
    await close();
    await rm(folder, { recursive: true });
  });
  await refuseUnkeyedLinks(db);
  const clock = makeTestClock();
  const audit = makeTestAudit(clock);
  const seals = join(folder, 'seals');
  const cursor = makeEventCursors(db, 'audit_seals');
  const step = makeSealHeads({ db, cursor, sealer: audit.sealer, append: (line) => appendLine(seals, line), clock });
  const seal = () => step(new AbortController().signal);
  let organizations = 0;

  async function append(organizationId: string, ...numbers: number[]): Promise<void> {
    const events = numbers.map((i) => anAuditEvent(organizationId, i));
    await transaction(db, (trx) => audit.appendAll(trx, organizationId, events));
  }

  async function verify(organizationId?: string) {
    const { breaks } = await audit.verify(db, organizationId, { sealPaths: [seals] });
    return breaks.map(({ kind, organizationId: id, sequence, until }) => [kind, id, sequence, until]);
  }

  return {
    db,
    clock,
    audit,
    seals,
    seal,
    append,
    verify,

    /** One organization with six events, sealed after the third and the last, and one with an event. */
    async begin(): Promise<[string, string]> {
      const [acme, other] = [`org_${++organizations}_a`, `org_${organizations}_b`];
      await append(acme, 1, 2, 3);
      await append(other, 1);
      await seal();
      await append(acme, 4, 5, 6);
      await seal();
      expect(await verify(acme)).toEqual([]);
      return [acme, other];
    },

    /** Attacks an organization, checks, and undoes all that was done to it. */
    async attack(acme: string, act: (trx: Knex.Transaction) => Promise<unknown>, check: () => Promise<unknown>) {
      const kept = await db('audit_events').where({ organization_id: acme }).orderBy('sequence');
      const head = await db('audit_chain_heads').where({ organization_id: acme }).first();
      await db.raw('alter table audit_events disable trigger user');
      await db.transaction(act);
      await check();
      await db('audit_events').where({ organization_id: acme }).del();
      await db('audit_chain_heads').where({ organization_id: acme }).del();
      await db('audit_events').insert(kept.map((row) => ({ ...row, details: JSON.stringify(row.details) })));
      await db('audit_chain_heads').insert(head);
      await db.raw('alter table audit_events enable trigger user');
      expect(await verify(acme)).toEqual([]);
    },
  };
}
