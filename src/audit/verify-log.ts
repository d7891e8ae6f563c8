import type { Knex } from 'knex';
import type { Break } from './break.ts';
import type { Chain } from './chain.ts';
import { verifyExports } from './exports/verify-exports.ts';
import type { Sealer } from './seals/seal.ts';
import { countedSeals, highestSeal, readSeals } from './seals/read-seals.ts';
import type { Seals } from './seals/read-seals.ts';
import { verifyChain } from './verify-chain.ts';

/** `unproven` events may be of the previous release: they are no breaks until the upgrade is closed. */
export type Verified = {
  organizations: number;
  events: number;
  unkeyed: number;
  unproven: number;
  breaks: number;
  seals: Pick<Seals, 'given' | 'count' | 'newest' | 'closed'>;
  /** Events of WorkOS Audit Logs that were compared; undefined without an export. */
  exported: number | undefined;
};

type Options = {
  db: Knex;
  chain: Pick<Chain, 'check'>;
  sealer: Pick<Sealer, 'read'>;
  /** The files with the seals; without them, ends that were cut off cannot be found. */
  sealPaths?: readonly string[];
  /** Exports of WorkOS Audit Logs, made before this. */
  exportPaths?: readonly string[];
  organizationId: string | undefined;
  /** The newest seal must be younger than this. */
  sealedSince?: Date;
  onBreak: (found: Break) => void;
};

/** Verifies the log of one organization or of all, in one snapshot of the database, against seals and exports. */
export async function verifyLog({
  db,
  chain,
  sealer,
  sealPaths = [],
  exportPaths = [],
  ...options
}: Options): Promise<Verified> {
  const { organizationId: only, sealedSince, onBreak } = options;
  // Read first: whatever is sealed by now is in the snapshot of the transaction.
  const sealed = await highestSeal(sealPaths, sealer);
  const work = async (trx: Knex.Transaction): Promise<Verified> => {
    const counts = { organizations: 0, events: 0, unkeyed: 0, unproven: 0, breaks: 0 };
    const report = (found: Break) => {
      if (found.kind === 'unproven') counts.unproven++;
      else counts.breaks++;
      onBreak(found);
    };
    const upTo = Math.max(sealed, await countedSeals(trx));
    const seals = await readSeals({ db: trx, sealer, paths: sealPaths, upTo, onBreak: report });
    reportAge(seals, sealedSince, report);
    for await (const id of organizations(trx, seals, only)) {
      const { events, unkeyed } = await verifyChain({ trx, chain, seals, report }, id);
      counts.organizations++;
      counts.events += events;
      counts.unkeyed += unkeyed;
    }
    const exported = await verifyExports({ trx, paths: exportPaths, only, report });
    return { ...counts, seals, exported };
  };
  return db.transaction(work, { isolationLevel: 'repeatable read', readOnly: true });
}

function reportAge({ given, count, newest }: Seals, since: Date | undefined, report: (found: Break) => void): void {
  if (!given || since === undefined || (newest !== undefined && newest >= since)) return;
  report({ kind: 'seals_stale', organizationId: undefined, sequence: count, until: count, id: undefined });
}

/** Lists every organization with events or a head, then those that are sealed and have neither. */
async function* organizations(trx: Knex, seals: Seals, only: string | undefined): AsyncGenerator<string> {
  if (only !== undefined) {
    yield only;
    return;
  }
  const missing = new Set([...seals.last.keys(), ...seals.closing.keys()]);
  for (let after = ''; ;) {
    const { rows } = await trx.raw<{ rows: { id: string | null }[] }>(
      `select least(
         (select min(organization_id) from audit_chain_heads where organization_id > ?),
         (select min(organization_id) from audit_events where organization_id > ?)
       ) as id`,
      [after, after],
    );
    const id = rows[0]?.id;
    if (id === null || id === undefined) break;
    missing.delete(id);
    yield id;
    after = id;
  }
  yield* [...missing].toSorted();
}
