import { setTimeout as sleep } from 'node:timers/promises';
import {
  BrokenCircuitError,
  CircuitState,
  ConsecutiveBreaker,
  DelegateBackoff,
  TimeoutStrategy,
  circuitBreaker,
  handleWhen,
  retry,
  timeout,
} from 'cockatiel';
import { WorkosFailure, heldOffMs } from './failure.ts';
import type { HoldOff } from './hold-off.ts';
import { toFailure } from './answers/read-answer.ts';

/** How often an operation is retried, and how long all its attempts may take together. */
type Budget = { retries: number; budgetMs: number };

/**
 * Only idempotent operations are retried: WorkOS does not promise that two creates make one key. Reads that a person
 * waits for give up soon; the settle loop retries failed deletions and expiries.
 */
const BUDGETS = {
  create_key: { retries: 0, budgetMs: 5_000 },
  validate_key: { retries: 0, budgetMs: 2_000 },
  delete_key: { retries: 0, budgetMs: 5_000 },
  expire_key: { retries: 0, budgetMs: 5_000 },
  get_user: { retries: 1, budgetMs: 3_000 },
  list_memberships: { retries: 1, budgetMs: 3_000 },
  find_member: { retries: 1, budgetMs: 3_000 },
  find_role: { retries: 1, budgetMs: 3_000 },
  sign_in: { retries: 0, budgetMs: 5_000 },
  choose_organization: { retries: 0, budgetMs: 5_000 },
  refresh_session: { retries: 0, budgetMs: 5_000 },
  revoke_session: { retries: 0, budgetMs: 5_000 },
  list_keys: { retries: 3, budgetMs: 30_000 },
  list_organizations: { retries: 3, budgetMs: 30_000 },
  find_organization: { retries: 1, budgetMs: 3_000 },
  // WorkOS rejects a second organization with the same external id.
  create_organization: { retries: 0, budgetMs: 5_000 },
  list_events: { retries: 2, budgetMs: 15_000 },
  create_audit_event: { retries: 0, budgetMs: 5_000 },
  list_audit_actions: { retries: 3, budgetMs: 30_000 },
  create_audit_schema: { retries: 0, budgetMs: 5_000 },
  ping: { retries: 0, budgetMs: 1_000 },
} as const satisfies Record<string, Budget>;

export type Operation = keyof typeof BUDGETS;

/** The breaker stays open for this long; then one call may try. */
const OPEN_MS = 3_000;
const BACKOFF_BASE_MS = 200;
/** A retry waits for `Retry-After` up to this; beyond it the call fails. */
const MAX_LIMITED_WAIT_MS = 2_000;

/** WorkOS limits these by e-mail address or token: their 429 says nothing about other requests. */
const LIMITED_APART: ReadonlySet<Operation> = new Set(['sign_in', 'choose_organization', 'refresh_session']);

type Options = {
  breakerFailures: number;
  holdOff?: HoldOff | undefined;
  /** Waits until the hold-off ends instead of failing; for commands. */
  waitsOutHoldOffs?: boolean | undefined;
};

/** A call that waits fails after so many hold-offs in a row. */
const MAX_HOLD_OFFS = 10;

export type Resilience = ReturnType<typeof makeResilience>;

/**
 * Calls WorkOS with retries within budgets and a circuit breaker that opens after `breakerFailures` outages in a row.
 * During a hold-off it sends only operations that WorkOS limits separately.
 */
export function makeResilience({ breakerFailures, holdOff, waitsOutHoldOffs = false }: Options) {
  const breaker = circuitBreaker(handleWhen(isOutage), {
    halfOpenAfter: OPEN_MS,
    breaker: new ConsecutiveBreaker(breakerFailures),
  });

  let openedAt = -Infinity;
  breaker.onBreak(() => {
    openedAt = performance.now();
  });

  function withinBudget<T>(operation: Operation, run: () => Promise<T>): Promise<T> {
    const { retries, budgetMs } = BUDGETS[operation];
    const giveUpAt = performance.now() + budgetMs;
    const send = () => breaker.execute(() => asFailure(() => within(giveUpAt, run))).catch(refuseWhileOpen);
    const attempt = holdOff && !LIMITED_APART.has(operation) ? () => unlessHeld(holdOff, send) : send;
    if (retries === 0) return attempt();
    const worthwhile = (error: unknown) => isRetriable(error) && performance.now() + delayMs(error, 1) < giveUpAt;
    const policy = retry(handleWhen(worthwhile), {
      maxAttempts: retries,
      backoff: new DelegateBackoff(({ result, attempt: n }) =>
        delayMs('error' in result ? result.error : undefined, n),
      ),
    });
    return policy.execute(attempt);
  }

  /** @throws WorkosFailure */
  const resilient = <T>(operation: Operation, run: () => Promise<T>): Promise<T> =>
    waitsOutHoldOffs ? afterHoldOffs(() => withinBudget(operation, run)) : withinBudget(operation, run);

  /** @throws WorkosFailure while the breaker is open */
  function assertClosed(): void {
    if (breaker.state === CircuitState.Open && performance.now() - openedAt < OPEN_MS) throw broken();
  }

  return { resilient, assertClosed };
}

/** Repeats a call that a rate limit refused: WorkOS has not done it. */
async function afterHoldOffs<T>(run: () => Promise<T>): Promise<T> {
  for (let held = 0; ; held++) {
    try {
      return await run();
    } catch (error) {
      const ms = heldOffMs(error);
      if (ms === undefined || held === MAX_HOLD_OFFS) throw error;
      await sleep(ms);
    }
  }
}

async function unlessHeld<T>(holdOff: HoldOff, send: () => Promise<T>): Promise<T> {
  await assertNotHeld(holdOff);
  try {
    return await send();
  } catch (error) {
    if (!(error instanceof WorkosFailure) || error.kind !== 'limited') throw error;
    const { workosRetryAfter: seconds, workosStatus: status } = error;
    throw limited(await holdOff.begin(seconds === undefined ? undefined : seconds * 1_000), { status, cause: error });
  }
}

/** @throws WorkosFailure during a hold-off */
export async function assertNotHeld(holdOff: HoldOff): Promise<void> {
  const heldMs = await holdOff.heldMs();
  if (heldMs > 0) throw limited(heldMs);
}

function limited(ms: number, { status, cause }: { status?: number | undefined; cause?: unknown } = {}): WorkosFailure {
  return new WorkosFailure('limited', { status, retryAfter: Math.ceil(ms / 1_000) }, { outcome: 'refused', cause });
}

/** Waits until `giveUpAt`. WorkOS may still do the work, as with any lost answer. */
function within<T>(giveUpAt: number, run: () => Promise<T>): Promise<T> {
  return timeout(Math.max(1, giveUpAt - performance.now()), TimeoutStrategy.Aggressive).execute(run);
}

async function asFailure<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw toFailure(error);
  }
}

function refuseWhileOpen(error: unknown): never {
  if (!(error instanceof BrokenCircuitError)) throw error;
  throw broken(error);
}

function broken(cause?: unknown): WorkosFailure {
  return new WorkosFailure('unavailable', { retryAfter: OPEN_MS / 1_000 }, { outcome: 'refused', cause });
}

/** Whether a failure counts towards the breaker. A rate limit, a rejection or an unreadable answer shows that WorkOS is up. */
function isOutage(error: unknown): boolean {
  return error instanceof WorkosFailure && error.kind === 'unavailable';
}

function isRetriable(error: unknown): boolean {
  return (
    error instanceof WorkosFailure &&
    error.code === 'workos_unavailable' &&
    !(error.cause instanceof BrokenCircuitError)
  );
}

function delayMs(error: unknown, attempt: number): number {
  const backoffMs = BACKOFF_BASE_MS * 2 ** (attempt - 1) * (0.5 + Math.random());
  if (!(error instanceof WorkosFailure) || error.kind !== 'limited' || error.workosRetryAfter === undefined)
    return backoffMs;
  const retryAfterMs = error.workosRetryAfter * 1_000;
  // Jitter spreads callers that wait for the same moment.
  return retryAfterMs > MAX_LIMITED_WAIT_MS ? Infinity : retryAfterMs + BACKOFF_BASE_MS * Math.random();
}
