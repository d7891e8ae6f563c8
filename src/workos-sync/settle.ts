import type { Logger } from 'pino';
import type { Items } from '../background/items.ts';
import type { Clock } from '../clock.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import type { Marker } from '../api-keys/mirror/marker.ts';
import type { KeysOf, UnsettledKey, UnsettledKeys } from '../api-keys/rows/unsettled-keys.ts';
import { heldOffMs } from '../workos/failure.ts';
import type { KeyGateway } from '../workos/test-environment-gateway.ts';
import type { RateLimiter } from '../background/rate-limiter.ts';
import { whileRenewing } from '../background/while-renewing.ts';

type WorkosCalls = 'heldMs' | 'deleteKey' | 'expireKey' | 'listOrganizationKeys' | 'listUserKeys';

type Deps = {
  unsettled: UnsettledKeys;
  workosOf: (environment: UnsettledKey['environment']) => Pick<KeyGateway, WorkosCalls>;
  /** Those that there is a WorkOS for. */
  environments: readonly UnsettledKey['environment'][];
  marker: Pick<Marker, 'rowOf'>;
  pace: RateLimiter;
  items: Pick<Items, 'each'>;
  /** For how long a row is claimed; then whoever claimed it, and has not renewed that, is taken for dead. */
  settleAfterMs: number;
  at: FaultPoint;
  clock: Clock;
  log: Pick<Logger, 'info'>;
};

const BATCH = 10;
const BACKOFF_BASE_MS = 1_000;
/** With an interval of the loop on top, what is left over is gone within 30 s of WorkOS being reachable again. */
const BACKOFF_MAX_MS = 15_000;
/** Keys come newest first: none older than the row can be its own, give or take the clocks of two machines. */
const CLOCK_SKEW_MS = 5 * 60_000;
/**
 * A request that was given up can still be carried out: the key of a failed row is looked for until the row is this
 * old. What appears later comes as an event.
 */
const LOOK_FOR_MS = 3 * 60_000;

/**
 * Settles what is left over between the mirror and WorkOS: rows whose maker is gone, deletions and expiries that
 * WorkOS has not confirmed. A key at WorkOS is deleted only when its name proves that it was asked for here and its
 * row never became a key.
 * Settles all organizations and environments, unless one of each is named, and no more rows a second than the pace lets
 * through. Rows of an environment that wants to be left alone wait for another time.
 * @returns how many rows were looked at
 */
export function makeSettle(deps: Deps) {
  return async function settle({ signal, only }: { signal?: AbortSignal; only?: KeysOf } = {}): Promise<number> {
    const { unsettled, items, workosOf, environments, pace, settleAfterMs, clock } = deps;
    const batch = pace.atATime(BATCH);
    let seen = 0;
    for (;;) {
      const except = environments.filter((each) => workosOf(each).heldMs() > 0);
      if (except.length === environments.length) return seen;
      const now = clock();
      const until = new Date(now.getTime() + settleAfterMs);
      const rows = await unsettled.claim(batch, now, until, { only, except });
      // At the same time, so that the lease has to cover one row and not all of them.
      await items.each(rows, {
        name: ({ organizationId, rowId: id }) => ({ id, organizationId }),
        work: (row) => settleOne(deps, row),
        postpone: (row, dueAt, error) => postpone(deps, row, dueAt, error),
        parallel: true,
      });
      seen += rows.length;
      if (rows.length < batch || signal?.aborted) return seen;
    }
  };
}

async function settleOne(deps: Deps, row: UnsettledKey): Promise<void> {
  await deps.pace.turn();
  await SETTLERS[row.status](deps, row);
}

/** `dueAt`: for a row that is set aside for longer. */
function postpone(
  { unsettled, clock }: Deps,
  row: UnsettledKey,
  dueAt: Date | undefined,
  error: unknown,
): Promise<void> {
  const pauseMs = Math.max(backoffMs(row.attempts), heldOffMs(error) ?? 0);
  return unsettled.lookAgainAt(row, dueAt ?? new Date(clock().getTime() + pauseMs));
}

const SETTLERS: Record<UnsettledKey['status'], (deps: Deps, row: UnsettledKey) => Promise<void>> = {
  async provisioning(deps, row) {
    // First here, so that its maker, should it live, can no longer make it active; the place is free from now on.
    if (!(await deps.unsettled.failClaimed(row, deps.clock()))) return;
    // A failure from here on finds the row as it is now.
    row.status = 'failed';
    await deps.at('settle.failed');
    await lookForLeftover(deps, row);
  },

  failed: lookForLeftover,

  async revoked({ unsettled, workosOf, at, clock }, row) {
    await workosOf(row.environment).deleteKey(row.workosId!);
    await at('settle.deleted');
    await unsettled.confirmDeleted(row, clock());
  },

  async active({ unsettled, workosOf, at, clock }, row) {
    const { expiresAt: end } = row;
    if (!end && !row.workosExpiresAt) return unsettled.settle(row);
    const updatedAt = await workosOf(row.environment).expireKey(row.workosId!, end);
    await at('settle.expired');
    await unsettled.confirmExpiry(row, { end, updatedAt }, clock());
  },
};

async function lookForLeftover(deps: Deps, row: UnsettledKey): Promise<void> {
  const { unsettled, clock, settleAfterMs: leaseMs } = deps;
  // A list may take many pages and their retries.
  const lease = { leaseMs, renew: (until: Date) => unsettled.renew(row, until), now: clock };
  const found = await whileRenewing(lease, () => deleteLeftovers(deps, row));
  const now = clock();
  if (found || now.getTime() - row.createdAt.getTime() > LOOK_FOR_MS) await unsettled.settle(row);
  else await unsettled.lookAgainAt(row, new Date(now.getTime() + backoffMs(row.attempts)));
}

/** @returns whether there was one */
async function deleteLeftovers({ workosOf, marker, at, log }: Deps, row: UnsettledKey): Promise<boolean> {
  let found = false;
  const { organizationId, ownerUserId } = row;
  const workos = workosOf(row.environment);
  const keys =
    ownerUserId === undefined
      ? workos.listOrganizationKeys(organizationId)
      : workos.listUserKeys(organizationId, ownerUserId);
  for await (const key of keys) {
    if (key.createdAt.getTime() < row.createdAt.getTime() - CLOCK_SKEW_MS) break;
    if (marker.rowOf(key.name, row.organizationId) !== row.rowId) continue;
    await workos.deleteKey(key.id);
    await at('settle.orphan_deleted');
    log.info({ row: row.rowId, workos_id: key.id }, 'a key that never reached the mirror was deleted at WorkOS');
    found = true;
  }
  return found;
}

function backoffMs(attempts: number): number {
  const full = Math.min(BACKOFF_BASE_MS * 2 ** Math.min(attempts, 16), BACKOFF_MAX_MS);
  return full * (0.5 + Math.random() / 2);
}
