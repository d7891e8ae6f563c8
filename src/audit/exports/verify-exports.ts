import type { Knex } from 'knex';
import { StartError } from '../../errors.ts';
import type { Break, BreakKind } from '../break.ts';
import { readExport } from './read-export.ts';
import type { Copy } from './read-export.ts';

type Deps = {
  trx: Knex;
  paths: readonly string[];
  /** The organization to verify; also that of events whose export does not name one. */
  only: string | undefined;
  report: (found: Break) => void;
};
type Whose = Copy & { organizationId: string };
type Row = { hash: Buffer | null; known: boolean };
/** Sequences by organization and kind of break. */
type Found = Map<string, { organizationId: string; kind: BreakKind; sequences: Set<number> }>;

const BATCH = 1_000;

/**
 * Compares the log with WorkOS Audit Logs: each event there must be in the log, with the same link.
 * @returns how many were read; undefined without an export
 * @throws StartError when an export has no event with a link, or does not name the organization
 */
export async function verifyExports({ trx, paths, only, report }: Deps): Promise<number | undefined> {
  if (paths.length === 0) return undefined;
  const found: Found = new Map();
  let count = 0;
  for (const path of paths) {
    let read = 0;
    for await (const batch of batchesOf(path, only)) {
      read += batch.length;
      const wanted = batch.filter(({ organizationId }) => only === undefined || organizationId === only);
      await compare(trx, wanted, found);
      count += wanted.length;
    }
    if (read === 0)
      throw new StartError(`${path} has no event of Latchkey with a link. Give an export of WorkOS Audit Logs.`);
  }
  for (const each of found.values()) reportRanges(each, report);
  return count;
}

async function* batchesOf(path: string, only: string | undefined): AsyncGenerator<Whose[]> {
  let batch: Whose[] = [];
  for await (const copy of readExport(path)) {
    const organizationId = copy.organizationId ?? only;
    if (organizationId === undefined)
      throw new StartError(`${path} does not name the organization of its events. Add --organization ID.`);
    batch.push({ ...copy, organizationId });
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function compare(trx: Knex, batch: readonly Whose[], found: Found): Promise<void> {
  const { rows } = await trx.raw<{ rows: Row[] }>(
    `select event.hash,
       exists (select from audit_events one where one.organization_id = wanted.organization_id) as known
     from unnest(?::text[], ?::bigint[]) with ordinality as wanted (organization_id, sequence, nth)
     left join audit_events event using (organization_id, sequence)
     order by nth`,
    [batch.map(({ organizationId }) => organizationId), batch.map(({ sequence }) => sequence)],
  );
  for (const [i, { organizationId, sequence, hash }] of batch.entries()) {
    const kind = judge(rows[i]!, hash);
    if (kind === undefined) continue;
    const name = `${organizationId} ${kind}`;
    const known = found.get(name) ?? { organizationId, kind, sequences: new Set() };
    known.sequences.add(sequence);
    found.set(name, known);
  }
}

function judge({ hash, known }: Row, copied: Buffer): BreakKind | undefined {
  if (hash !== null) return hash.equals(copied) ? undefined : 'export_differs';
  return known ? 'export_missing' : 'export_removed';
}

function reportRanges(
  { organizationId, kind, sequences }: NonNullable<ReturnType<Found['get']>>,
  report: Deps['report'],
) {
  const sorted = [...sequences].toSorted((a, b) => a - b);
  let first = sorted[0]!;
  for (const [i, sequence] of sorted.entries()) {
    if (sorted[i + 1] === sequence + 1) continue;
    report({ kind, organizationId, id: undefined, sequence: first, until: sequence });
    first = sorted[i + 1]!;
  }
}
