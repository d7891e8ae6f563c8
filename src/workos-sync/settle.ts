import type { Logger } from 'pino';
import type { Items } from '../background/items.ts';
import type { Clock } from '../clock.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import type { Marker } from '../api-keys/mirror/marker.ts';
import type { KeysOf, UnsettledKey, UnsettledKeys } from '../api-keys/rows/unsettled-keys.ts';
import { heldOffMs } from '../workos/failure.ts';
import type { KeyGateway } from '../workos/gateway.ts';
import type { RateLimiter } from '../background/rate-limiter.ts';
import { whileRenewing } from '../background/while-renewing.ts';

type WorkosCalls = 'heldMs' | 'deleteKey' | 'expireKey' | 'listOrganizationKeys' | 'listUserKeys';

type Deps = {
  unsettled: UnsettledKeys;
  workosOf: (environment: UnsettledKey['environment']) => Pick<KeyGateway, WorkosCalls>;
  /** The environments that are configured. */
  environments: readonly UnsettledKey['environment'][];
  marker: Pick<Marker, 'rowOf'>;
  rateLimiter: RateLimiter;
  items: Pick<Items, 'each'>;
  /** How long a claim lasts; another replica may take the row when it was not renewed. */
  settleAfterMs: number;
  at: FaultPoint;
  clock: Clock;
  log: Pick<Logger, 'info'>;
};

const BATCH = 10;
const BACKOFF_BASE_MS = 1_000;
/** Together with the loop's interval: leftovers are settled within 30 s of WorkOS being reachable again. */
const BACKOFF_MAX_MS = 15_000;
/** Keys are listed newest first; one older than the row, by more than clocks differ, cannot be the row's own. */
const CLOCK_SKEW_MS = 5 * 60_000;
/**
 * WorkOS may still carry out a request that timed out: the key of a failed row is searched for until the row is this old.
 * A key that appears later comes as an event.
 */
const SEARCH_MS = 3 * 60_000;

/**
 * Settles unfinished work between the mirror and WorkOS: provisionings that a crash interrupted, and deletions and
 * expiries that WorkOS has not confirmed. Deletes a key at WorkOS only when its marker names a row that never became a key.
 * Covers all organizations and environments unless `only` names one of each, at the rate of the limiter. Rows of an
 * environment with a hold-off wait.
 * @returns how many rows were claimed
 */
export function makeSettle(deps: Deps) {
  return async function settle({ signal, only }: { signal?: AbortSignal; only?: KeysOf } = {}): Promise<number> {
    const { unsettled, items, workosOf, environments, rateLimiter, settleAfterMs, clock } = deps;
    const batch = rateLimiter.batchSize(BATCH);
    let seen = 0;
    for (;;) {
      const except = environments.filter((each) => workosOf(each).heldMs() > 0);
      if (except.length === environments.length) return seen;
      const now = clock();
      const until = new Date(now.getTime() + settleAfterMs);
      const rows = await unsettled.claim(batch, now, until, { only, except });
      // In parallel, so that the claim must cover the time of one row only.
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
  await deps.rateLimiter.turn();
  await SETTLERS[row.status](deps, row);
}

/** `dueAt` is set for a row that failed by its own fault. */
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
    // Fails the row before WorkOS is called, so that a creator that still runs cannot activate it. Frees its place in the limit.
    if (!(await deps.unsettled.failClaimed(row, deps.clock()))) return;
    row.status = 'failed';
    await deps.at('settle.failed');
    await deleteLeftover(deps, row);
  },

  failed: deleteLeftover,

  async revoked({ unsettled, workosOf, at, clock }, row) {
    await workosOf(row.environment).deleteKey(row.workosId!);
    await at('settle.deleted');
    await unsettled.confirmDeleted(row, clock());
  },

  async active({ unsettled, workosOf, at, clock }, row) {
    const { expiresAt: expiry } = row;
    if (!expiry && !row.workosExpiresAt) return unsettled.settle(row);
    const updatedAt = await workosOf(row.environment).expireKey(row.workosId!, expiry);
    await at('settle.expired');
    await unsettled.confirmExpiry(row, { end: expiry, updatedAt }, clock());
  },
};

async function deleteLeftover(deps: Deps, row: UnsettledKey): Promise<void> {
  const { unsettled, clock, settleAfterMs: leaseMs } = deps;
  // Listing may take many pages with retries.
  const lease = { leaseMs, renew: (until: Date) => unsettled.renew(row, until), now: clock };
  const found = await whileRenewing(lease, () => deleteKeysOf(deps, row));
  const now = clock();
  if (found || now.getTime() - row.createdAt.getTime() > SEARCH_MS) await unsettled.settle(row);
  else await unsettled.lookAgainAt(row, new Date(now.getTime() + backoffMs(row.attempts)));
}

/** Deletes keys at WorkOS that carry the row's marker. @returns whether there was one */
async function deleteKeysOf({ workosOf, marker, at, log }: Deps, row: UnsettledKey): Promise<boolean> {
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
    log.info({ row: row.rowId, workos_id: key.id }, 'deleted a WorkOS key that never reached the mirror');
    found = true;
  }
  return found;
}

function backoffMs(attempts: number): number {
  const full = Math.min(BACKOFF_BASE_MS * 2 ** Math.min(attempts, 16), BACKOFF_MAX_MS);
  return full * (0.5 + Math.random() / 2);
}
