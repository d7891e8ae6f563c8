import type { Knex } from 'knex';
import { toEvent, toLinkHash } from './audit-row.ts';
import type { AuditRow } from './audit-row.ts';
import type { Break } from './break.ts';
import type { Chain } from './chain.ts';
import type { Head, MarkedHead } from './chain-heads.ts';
import { CHAIN_START } from './link.ts';
import type { Seals } from './seals/read-seals.ts';
import { verifyAgainstSeals } from './verify-seals.ts';

type Report = (found: Break) => void;
type Deps = { trx: Knex; chain: Pick<Chain, 'check'>; seals: Seals; report: Report };

type Walk = { last: Head; keyed: boolean; unkeyed: number; events: number };

const PAGE = 1_000;

/**
 * Verifies one chain, a page at a time: each link against its event and the link before, and the last link against the head
 * and the seals.
 */
export async function verifyChain(deps: Deps, organizationId: string): Promise<Pick<Walk, 'events' | 'unkeyed'>> {
  const { trx, report } = deps;
  const end = await readEnd(trx, organizationId);
  const walk: Walk = { last: { sequence: 0, hash: CHAIN_START }, keyed: false, unkeyed: 0, events: 0 };
  for await (const row of events(trx, organizationId)) {
    walk.events++;
    verifyLink(deps, row, walk, end?.sequence ?? Infinity);
  }
  const found = verifyEnd(walk.last, end);
  if (found) report({ organizationId, id: undefined, ...found });
  await verifyAgainstSeals(deps, organizationId, { last: walk.last, end, isShort: found?.kind === 'shortened' });
  return walk;
}

function verifyLink({ chain, seals, report }: Deps, row: AuditRow, walk: Walk, endsAt: number): void {
  const event = toEvent(row);
  const { organizationId, sequence, id } = event;
  const expected = walk.last.sequence + 1;
  const at = { organizationId, sequence, until: sequence, id };
  if (sequence < 1 || sequence > endsAt) {
    report({ ...at, kind: 'inserted' });
    return;
  }
  const link = toLinkHash(row);
  if (sequence !== expected) {
    report({ ...at, kind: 'missing', sequence: expected, until: sequence - 1, id: undefined });
  } else {
    const held = chain.check(walk.last.hash, event, link);
    if (held !== 'holds') report({ ...at, kind: held === 'broken' ? 'changed' : held });
  }
  if (link.version > 1) {
    walk.keyed = true;
  } else {
    walk.unkeyed++;
    const accepted = seals.closing.get(organizationId)?.sequence ?? 0;
    if (seals.closed && sequence > accepted) report({ ...at, kind: 'unkeyed' });
    else if (!seals.closed && walk.keyed) report({ ...at, kind: 'unproven' });
  }
  walk.last = { sequence, hash: row.hash };
}

function verifyEnd(last: Head, end: Head | undefined): Pick<Break, 'kind' | 'sequence' | 'until'> | undefined {
  const { sequence } = last;
  if (!end) return sequence === 0 ? undefined : { kind: 'end_missing', sequence, until: sequence };
  if (sequence < end.sequence) return { kind: 'shortened', sequence: sequence + 1, until: end.sequence };
  return last.hash.equals(end.hash) ? undefined : { kind: 'end_changed', sequence, until: sequence };
}

async function* events(trx: Knex, organizationId: string): AsyncGenerator<AuditRow> {
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

async function readEnd(trx: Knex, organizationId: string): Promise<MarkedHead | undefined> {
  const row = await trx('audit_chain_heads')
    .where({ organization_id: organizationId })
    .first<{ sequence: string; hash: Buffer; sealed_sequence: string } | undefined>();
  return row && { sequence: Number(row.sequence), hash: row.hash, sealedSequence: Number(row.sealed_sequence) };
}
