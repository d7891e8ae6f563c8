import type { Operation, Policy, Posture } from '../tenants/posture.ts';
import type { Clock } from '../clock.ts';
import type { OverLimit } from '../limits/guesses/failed-credentials.ts';
import type { Limiter, Taken } from '../limits/limiter.ts';
import { isLimited } from '../limits/limits.ts';
import type { RefreshAtWorkos } from '../usage/refresh-workos-last-use.ts';
import type { NoteUse } from '../usage/use.ts';
import type { Judge, Use, VerdictCode } from './judge.ts';
import type { MirrorRecord } from './mirror-record.ts';
import { isUnresolved } from './resolve-key.ts';
import type { Resolved, Source, Unresolved } from './resolve-key.ts';

/** A key to decide on: what it is to be used for, and the client that presented it. */
export type Question = Use & {
  presented: string;
  /** How many requests it counts as towards rates. */
  cost: number;
  /** Whether it takes a concurrency slot, if the key's are limited. */
  lease: boolean;
  userAgent: string | undefined;
};

export type Decision = {
  code: VerdictCode;
  resolved: Resolved | undefined;
  /** The answer of the limiter; undefined if it was not needed. */
  taken: Taken | undefined;
  /** Set for a key that WorkOS could not be asked about. */
  retryAfterSeconds?: number;
  billing: Billing | undefined;
  at: Date;
};

/** The posture of the key's organization, the operations that it allows, and when it ends by the clock. */
export type Billing = { posture: Posture; allows: readonly Operation[]; until: Date | undefined };

type Deps = {
  judge: Judge;
  policy: Pick<Policy, 'standingOf' | 'allowedIn'>;
  limiter: Pick<Limiter, 'take'>;
  noteUse: NoteUse;
  refreshAtWorkos: RefreshAtWorkos;
  /** Counts a decision; `source`: where the key was found, undefined if nowhere. */
  countVerdict: (code: VerdictCode, source: Source | undefined) => void;
  clock: Clock;
};

export type Decide = ReturnType<typeof makeDecide>;

/**
 * Decides whether a key may be used as asked. This is the one decision behind verify, forward authentication and the
 * middleware. A usable key counts towards its limits, even if its scopes or billing then refuse it; a key that is
 * unknown, revoked, expired, suspended, of another environment or from another address spends nothing. Returns a promise only if
 * limits are shared with other replicas.
 */
export function makeDecide({ judge, policy, limiter, noteUse, refreshAtWorkos, countVerdict, clock }: Deps) {
  function billingOf({ account }: MirrorRecord, at: Date): Billing {
    const { posture, until } = policy.standingOf(account, at);
    return { posture, allows: policy.allowedIn(posture, 'keys'), until };
  }

  function conclude(
    code: VerdictCode,
    resolved: Resolved | undefined,
    question: Question,
    at: Date,
    taken?: Taken,
  ): Decision {
    countVerdict(code, resolved?.source);
    if (resolved && code === 'valid') refreshAtWorkos(question.presented, resolved.record);
    if (resolved) {
      const { organizationId, keyId } = resolved.record;
      noteUse({
        organizationId,
        keyId,
        code,
        atMs: at.getTime(),
        count: 1,
        ip: question.ip,
        userAgent: question.userAgent,
        scopes: question.scopes,
      });
    }
    return { code, resolved, taken, billing: resolved && billingOf(resolved.record, at), at };
  }

  function concludeUnresolved(found: Unresolved, question: Question, at: Date): Decision {
    if ('limited' in found) return conclude('rate_limited', undefined, question, at, takenOver(found.limited));
    const unavailable = conclude('workos_unavailable', undefined, question, at);
    return { ...unavailable, retryAfterSeconds: found.unavailableSeconds };
  }

  return function decide(found: Resolved | Unresolved | undefined, question: Question): Decision | Promise<Decision> {
    const at = clock();
    if (isUnresolved(found)) return concludeUnresolved(found, question, at);
    const resolved = found;
    const code = judge(resolved?.record, question, at);
    if (!resolved || !isUsable(code) || !isLimited(resolved.record.limits))
      return conclude(code, resolved, question, at);
    const { organizationId, keyId, limits } = resolved.record;
    const lease = question.lease && code === 'valid';
    const taken = limiter.take({ organizationId, keyId, limits, cost: question.cost, lease });
    return taken instanceof Promise
      ? taken.then((each) => conclude(withLimits(code, each), resolved, question, at, each))
      : conclude(withLimits(code, taken), resolved, question, at, taken);
  };
}

/** Returns the attributes of a decision's span. */
export function spanOfDecision({ code, resolved }: Pick<Decision, 'code' | 'resolved'>): Record<string, string> {
  return { 'latchkey.verify.code': code, ...spanOfSource(resolved) };
}

export function spanOfSource(found: Pick<Resolved, 'source'> | undefined): Record<string, string> {
  return { 'latchkey.verify.source': found?.source ?? 'none' };
}

/** The answer for a key that was not looked up, because its address has presented too many invalid ones. */
function takenOver({ seconds, enforcement }: OverLimit): Taken {
  return { refused: 'rate', retryAfterSeconds: seconds, rate: undefined, lease: undefined, enforcement };
}

function isUsable(code: VerdictCode): boolean {
  return (
    code !== 'not_found' &&
    code !== 'revoked' &&
    code !== 'expired' &&
    code !== 'suspended' &&
    code !== 'environment_mismatch' &&
    code !== 'ip_not_allowed'
  );
}

function withLimits(code: VerdictCode, { refused }: Taken): VerdictCode {
  if (refused === 'rate') return 'rate_limited';
  return code === 'valid' && refused === 'concurrency' ? 'concurrency_limited' : code;
}
