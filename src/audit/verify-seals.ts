import type { Knex } from 'knex';
import type { Break } from './break.ts';
import type { Head, MarkedHead } from './chain-heads.ts';
import type { Seals } from './seals/read-seals.ts';

type Deps = { trx: Knex; seals: Seals; report: (found: Break) => void };
type Walked = { last: Head; end: MarkedHead | undefined; isShort: boolean };

/** Compares a chain that was read to its end with its seals. */
export async function verifyAgainstSeals(deps: Deps, organizationId: string, walked: Walked): Promise<void> {
  const { seals, report } = deps;
  const sealed = seals.last.get(organizationId);
  const at = { organizationId, id: undefined };
  const marked = walked.end?.sealedSequence ?? 0;
  if (seals.given && marked > (sealed?.sequence ?? 0)) {
    report({ ...at, kind: 'mark', sequence: (sealed?.sequence ?? 0) + 1, until: marked });
  }
  for (const pin of [sealed, seals.closing.get(organizationId)]) {
    if (!pin) continue;
    if (pin.sequence > walked.last.sequence) reportCut(deps, organizationId, pin, walked);
    else if (!(await isThere(deps.trx, organizationId, pin))) {
      const from = await lastThatHolds(deps, organizationId, pin.sequence);
      report({ ...at, kind: 'rewritten', sequence: from + 1, until: pin.sequence });
    }
  }
}

function reportCut({ report }: Deps, organizationId: string, pin: Head, { last, end, isShort }: Walked): void {
  // The break at the end of the chain is reported already.
  if (isShort && end && pin.sequence <= end.sequence) return;
  const kind = last.sequence === 0 && !end ? 'removed' : 'cut';
  report({ kind, organizationId, id: undefined, sequence: last.sequence + 1, until: pin.sequence });
}

async function isThere(trx: Knex, organizationId: string, { sequence, hash }: Head): Promise<boolean> {
  if (sequence === 0) return true;
  const row = await trx('audit_events')
    .where({ organization_id: organizationId, sequence })
    .first<{ hash: Buffer } | undefined>('hash');
  return row !== undefined && row.hash.equals(hash);
}

/** How far the sealed events are unchanged. */
async function lastThatHolds({ trx, seals }: Deps, organizationId: string, before: number): Promise<number> {
  let last = 0;
  for (const head of await seals.of(organizationId)) {
    if (head.sequence <= last || head.sequence >= before) continue;
    if (await isThere(trx, organizationId, head)) last = head.sequence;
  }
  return last;
}
