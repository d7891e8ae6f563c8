import type { Knex } from 'knex';
import { backgroundSource } from '../../audit/audit-event.ts';
import type { Clock } from '../../clock.ts';
import { transaction } from '../../db/transaction.ts';
import type { FaultPoint } from '../../process/fault-point.ts';
import type { DescribeWorkosKey } from '../../api-keys/mirror/describe-workos-key.ts';
import type { Marker } from '../../api-keys/mirror/marker.ts';
import type { RepairKeys } from '../../api-keys/mirror/repair-keys.ts';
import type { MirrorKeys } from '../../api-keys/mirror/mirror-keys.ts';
import type { MirroredKey, MirroredKeys } from '../../api-keys/mirror/mirrored-keys.ts';
import type { UnsettledKeys } from '../../api-keys/rows/unsettled-keys.ts';
import type { WorkosKey } from '../../workos/entities.ts';
import { compare, onlyHere, unsettled } from './compare.ts';
import type { Drift } from './compare.ts';
import { PAGE, inPages } from './in-pages.ts';
import type { OrganizationThere, Side } from './side.ts';

export type Finding = Drift & { repaired: boolean };

/** The dependencies for one environment: its side, and its rows of the mirror. */
export type Deps = {
  side: Side;
  db: Knex;
  marker: Pick<Marker, 'rowOf'>;
  describe: Pick<DescribeWorkosKey, 'scopesOf'>;
  mirroredKeys: MirroredKeys;
  mirrorKeys: Pick<MirrorKeys, 'made' | 'listed'>;
  repairKeys: RepairKeys;
  unsettled: Pick<UnsettledKeys, 'reopen'>;
  settle: (organizationId: string) => Promise<unknown>;
  at: FaultPoint;
  clock: Clock;
};

export type Run = {
  /** When the whole run began; marks the rows that this run saw. */
  startedAt: Date;
  repairs: boolean;
  onKeys: (count: number) => void;
  onFinding: (finding: Finding) => void;
  /** See `Side.knowsAny`; called once per run. */
  isSameWorkos: () => Promise<boolean>;
};

const SOURCE = backgroundSource('system', 'reconcile');

/**
 * Compares an organization's keys in the mirror and at WorkOS, page by page, and repairs the differences. The first listing
 * only compares, so that a listing that fails repairs nothing; if there are differences, a second listing repairs them.
 * @throws WorkosFailure when the keys at WorkOS cannot be listed to the end
 */
export async function reconcileOrganization(deps: Deps, run: Run, organizationId: string): Promise<void> {
  await deps.mirroredKeys.expectActive(organizationId, run.startedAt);
  const there = await deps.side.of(organizationId);
  const look = (onKeys: Run['onKeys'], onPage: OnPage) =>
    listThrough(deps, { ...run, onKeys }, { organizationId, there }, onPage);
  const looked = await look(run.onKeys, (drifts) => (run.repairs ? [] : drifts.map(asReported)));
  if (run.repairs && looked.drifts > 0) {
    // Keys of the second listing are not counted again.
    await look(
      () => run.onKeys(0),
      (drifts, keys) => repairPresent(deps, organizationId, drifts, keys),
    );
  }
  await findAbsent(deps, run, organizationId, looked.keys > 0);
  await findLate(deps, run, organizationId);
  if (run.repairs) await there.finish(run.isSameWorkos);
}

type Keys = ReadonlyMap<string, WorkosKey>;
type OnPage = (drifts: readonly Drift[], keys: Keys) => Finding[] | Promise<Finding[]>;

type Compared = { organizationId: string; there: Pick<OrganizationThere, 'keys'> };

async function listThrough(deps: Deps, run: Run, { organizationId, there }: Compared, onPage: OnPage) {
  const seen = { keys: 0, drifts: 0 };
  for await (const keys of inPages(there.keys())) {
    const drifts = await comparePage(deps, run, organizationId, keys);
    for (const finding of await onPage(drifts, new Map(keys.map((key) => [key.id, key])))) run.onFinding(finding);
    seen.keys += keys.length;
    seen.drifts += drifts.length;
    run.onKeys(keys.length);
    await deps.at('reconcile.page');
  }
  return seen;
}

async function comparePage(deps: Deps, run: Run, organizationId: string, keys: readonly WorkosKey[]): Promise<Drift[]> {
  const { marker, mirroredKeys, describe, clock } = deps;
  const marked = keys.map(({ name }) => marker.rowOf(name, organizationId)).filter((id) => id !== undefined);
  const rows = await mirroredKeys.find(
    organizationId,
    keys.map(({ id }) => id),
    marked,
  );
  const byKey = new Map(rows.map((row) => [row.workosId, row]));
  const byRow = new Map(rows.map((row) => [row.rowId, row]));
  const met: MirroredKey[] = [];
  const drifts = keys.flatMap((key) => {
    const row = byKey.get(key.id) ?? byRow.get(marker.rowOf(key.name, organizationId) ?? '');
    // A copied marker is not the key that it names.
    if (row && (row.workosId ?? key.id) === key.id) met.push(row);
    return compare({ key, row, scopesOf: describe.scopesOf, now: clock() });
  });
  await mirroredKeys.see(
    organizationId,
    met.map(({ rowId }) => rowId),
    run.startedAt,
  );
  return drifts;
}

async function repairPresent(
  deps: Deps,
  organizationId: string,
  drifts: readonly Drift[],
  keys: Keys,
): Promise<Finding[]> {
  const settled = await settleAll(
    deps,
    organizationId,
    drifts.filter(({ repair }) => repair === 'settle'),
  );
  const findings: Finding[] = [...settled];
  for (const drift of drifts) {
    if (drift.repair !== 'settle')
      findings.push({ ...drift, repaired: await repairOne(deps, drift, keys.get(drift.keyId)!) });
  }
  // An earlier expiry here must be sent to WorkOS again.
  if (drifts.some(({ repair }) => repair === 'expiry')) await deps.settle(organizationId);
  return findings;
}

function repairOne({ db, mirrorKeys, repairKeys }: Deps, { repair }: Drift, key: WorkosKey): Promise<boolean> {
  if (repair === 'mirror') return transaction(db, (trx) => mirrorKeys.made(trx, key, SOURCE));
  if (repair === 'expiry') return transaction(db, (trx) => mirrorKeys.listed(trx, key, SOURCE));
  if (repair === 'narrow') return transaction(db, (trx) => repairKeys.narrow(trx, key, SOURCE));
  return Promise.resolve(false);
}

/** Settles these rows now; those that no longer wait were repaired. */
async function settleAll(deps: Deps, organizationId: string, drifts: readonly Drift[]): Promise<Finding[]> {
  if (drifts.length === 0) return [];
  const rowIds = drifts.map(({ rowId }) => rowId!);
  for (const rowId of rowIds) await deps.unsettled.reopen({ organizationId, rowId }, deps.clock());
  await deps.settle(organizationId);
  const waiting = await deps.mirroredKeys.waiting(organizationId, rowIds);
  return drifts.map((drift) => ({ ...drift, repaired: !waiting.has(drift.rowId!) }));
}

/** Reports, and revokes, keys that a complete listing did not show. */
async function findAbsent(deps: Deps, run: Run, organizationId: string, sawKeys: boolean): Promise<void> {
  const { db, side, mirroredKeys, repairKeys } = deps;
  const expected = { organizationId, environment: side.environment, run: run.startedAt };
  const first = await mirroredKeys.unseen(organizationId, run.startedAt, '', 1);
  if (first.length === 0) return;
  const repairs = run.repairs && (sawKeys || (await run.isSameWorkos()));
  for (let after = ''; ;) {
    const rows = await mirroredKeys.unseen(organizationId, run.startedAt, after, PAGE);
    if (rows.length === 0) return;
    const revoked = repairs ? await transaction(db, (trx) => repairKeys.revokeUnseen(trx, expected, PAGE, SOURCE)) : [];
    const revokedIds = new Set(revoked.map(({ id }) => id));
    for (const row of rows) run.onFinding({ ...onlyHere(organizationId, row), repaired: revokedIds.has(row.rowId) });
    after = rows.at(-1)!.rowId;
    await deps.at('reconcile.page');
  }
}

async function findLate(deps: Deps, run: Run, organizationId: string): Promise<void> {
  const { mirroredKeys, clock } = deps;
  for (let after = ''; ;) {
    const rows = await mirroredKeys.late(organizationId, run.startedAt, clock(), after, PAGE);
    if (rows.length === 0) return;
    const drifts = rows.map((row) => unsettled(organizationId, row));
    const findings = run.repairs ? await settleAll(deps, organizationId, drifts) : drifts.map(asReported);
    for (const finding of findings) run.onFinding(finding);
    after = rows.at(-1)!.rowId;
  }
}

function asReported(drift: Drift): Finding {
  return { ...drift, repaired: false };
}
