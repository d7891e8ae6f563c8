import type { Knex } from 'knex';
import { toEvent } from './audit-row.ts';
import type { AuditRow } from './audit-row.ts';
import { CHAIN_START, hashLink } from './chain.ts';

/**
 * Where a chain does not hold. `missing` and `shortened`: the events from `sequence` to `until` are gone; `changed`: an
 * event is not the one that followed the one before it; `inserted`: it was never part of the chain; `end_changed` and
 * `end_missing`: what is kept of the chain's end is not what it was.
 */
export type Break = {
  kind: 'changed' | 'inserted' | 'missing' | 'shortened' | 'end_changed' | 'end_missing';
  organizationId: string;
  sequence: number;
  until: number;
  id: string | undefined;
};

export type Verified = { organizations: number; events: number; breaks: number };

type Place = { sequence: number; hash: Buffer };
type HeadRow = { organization_id: string; sequence: string; hash: Buffer };
type Options = { db: Knex; organizationId: string | undefined; onBreak: (found: Break) => void };

const PAGE = 1_000;

/**
 * Goes through the chains of audit events and tells of every place where one does not hold: each event's hash covers
 * it and the hash before it, and the end of each chain is kept apart. Reads one moment of the database, a page at a time.
 */
export function verifyChains({ db, organizationId, onBreak }: Options): Promise<Verified> {
  const work = async (trx: Knex.Transaction): Promise<Verified> => {
    const result: Verified = { organizations: 0, events: 0, breaks: 0 };
    const report = (found: Break) => {
      result.breaks++;
      onBreak(found);
    };
    for await (const id of organizations(trx, organizationId)) {
      result.organizations++;
      result.events += await verifyChain(trx, id, report);
    }
    return result;
  };
  return db.transaction(work, { isolationLevel: 'repeatable read', readOnly: true });
}

/** Every organization that has events, or an end of a chain that should have some. */
async function* organizations(trx: Knex.Transaction, only: string | undefined): AsyncGenerator<string> {
  if (only !== undefined) {
    yield only;
    return;
  }
  for (let after = ''; ;) {
    const { rows } = await trx.raw<{ rows: { id: string | null }[] }>(
      `select least(
         (select min(organization_id) from audit_heads where organization_id > ?),
         (select min(organization_id) from audit_events where organization_id > ?)
       ) as id`,
      [after, after],
    );
    const id = rows[0]?.id;
    if (id === null || id === undefined) return;
    yield id;
    after = id;
  }
}

/** @returns how many events there are */
async function verifyChain(
  trx: Knex.Transaction,
  organizationId: string,
  report: (found: Break) => void,
): Promise<number> {
  const end = await readEnd(trx, organizationId);
  let last: Place = { sequence: 0, hash: CHAIN_START };
  let count = 0;
  for await (const row of events(trx, organizationId)) {
    count++;
    last = verifyLink(row, last, end?.sequence ?? Infinity, report);
  }
  const found = verifyEnd(last, end);
  if (found) report({ organizationId, id: undefined, ...found });
  return count;
}

/** @returns the event as the one that the next has to follow */
function verifyLink(row: AuditRow, last: Place, endsAt: number, report: (found: Break) => void): Place {
  const event = toEvent(row);
  const { organizationId, sequence, id } = event;
  const expected = last.sequence + 1;
  const at = { organizationId, sequence, until: sequence, id };
  if (sequence < 1 || sequence > endsAt) {
    report({ ...at, kind: 'inserted' });
    return last;
  }
  if (sequence !== expected) {
    report({ ...at, kind: 'missing', sequence: expected, until: sequence - 1, id: undefined });
  } else if (!hashLink(last.hash, event).equals(row.hash)) {
    report({ ...at, kind: 'changed' });
  }
  return { sequence, hash: row.hash };
}

function verifyEnd(last: Place, end: Place | undefined): Pick<Break, 'kind' | 'sequence' | 'until'> | undefined {
  const { sequence } = last;
  if (!end) return sequence === 0 ? undefined : { kind: 'end_missing', sequence, until: sequence };
  if (sequence < end.sequence) return { kind: 'shortened', sequence: sequence + 1, until: end.sequence };
  return last.hash.equals(end.hash) ? undefined : { kind: 'end_changed', sequence, until: sequence };
}

async function* events(trx: Knex.Transaction, organizationId: string): AsyncGenerator<AuditRow> {
  let after: string | undefined;
  for (;;) {
    const query = trx<AuditRow>('audit_events').where({ organization_id: organizationId });
    if (after !== undefined) void query.where('sequence', '>', after);
    const rows = await query.orderBy('sequence').limit(PAGE);
    yield* rows;
    if (rows.length < PAGE) return;
    after = rows.at(-1)!.sequence;
  }
}

async function readEnd(trx: Knex.Transaction, organizationId: string): Promise<Place | undefined> {
  const row = await trx<HeadRow>('audit_heads').where({ organization_id: organizationId }).first();
  return row && { sequence: Number(row.sequence), hash: row.hash };
}
