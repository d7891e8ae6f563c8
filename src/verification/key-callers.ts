import type { Clock } from '../clock.ts';
import type { AppError, ErrorCode } from '../errors.ts';
import { ipNotAllowed } from '../ip/ip-match.ts';
import type { ApiKeyCaller, CallerOrigin } from '../http/caller.ts';
import type { Limiter, Taken } from '../limits/limiter.ts';
import { isLimited } from '../limits/limits.ts';
import type { RefreshAtWorkos } from '../usage/refresh-workos-last-use.ts';
import type { NoteUse } from '../usage/use.ts';
import { isFromAllowed } from './judge.ts';
import type { VerdictCode } from './judge.ts';
import { limitError, limitHeaders } from './limit-answer.ts';
import { isPresentedKey } from './presented-key.ts';
import type { Source } from './resolve-key.ts';

type Deps = {
  limiter: Pick<Limiter, 'take'>;
  noteUse: NoteUse;
  refreshAtWorkos: RefreshAtWorkos;
  countVerdict: (code: VerdictCode, source: Source) => void;
  clock: Clock;
};

export type KeyCallers = ReturnType<typeof makeKeyCallers>;

const VERDICT_OF_REFUSAL: Partial<Record<ErrorCode, VerdictCode>> = {
  permission_denied: 'insufficient_scope',
  ip_not_allowed: 'ip_not_allowed',
  billing_inactive: 'billing_inactive',
  rate_limited: 'rate_limited',
};

/**
 * Limits and counts the API keys that call Latchkey's own routes, as verification limits and counts the keys that
 * call other services.
 */
export function makeKeyCallers({ limiter, noteUse, refreshAtWorkos, countVerdict, clock }: Deps) {
  /** Counts a request towards the key's rates; undefined if it has none. */
  function take(caller: ApiKeyCaller): Taken | Promise<Taken> | undefined {
    if (!isPresentedKey(caller) || !isLimited(caller.resolved.record.limits)) return undefined;
    const { organizationId, keyId, limits } = caller.resolved.record;
    return limiter.take({ organizationId, keyId, limits, cost: 1, lease: false });
  }

  return {
    /** By the key's own list and its organization's. @throws AppError `ip_not_allowed` */
    assertAddress(caller: ApiKeyCaller, address: string | undefined): void {
      if (!isPresentedKey(caller) || !isFromAllowed(caller.resolved.record, address)) throw ipNotAllowed(address);
    },

    take,

    /** Counts a request towards the key's rates. @throws AppError `rate_limited`, after setting the headers */
    async admit(caller: ApiKeyCaller, setHeader: (name: string, value: string) => void): Promise<void> {
      const taken = await take(caller);
      if (!taken) return;
      for (const [name, value] of limitHeaders(taken)) setHeader(name, value);
      if (taken.refused !== undefined) throw limitError(taken);
    },

    /** Counts the verdict that an answer stands for; `scopes`: those by which the caller may use the route. */
    answered(
      caller: ApiKeyCaller,
      refusal: AppError | undefined,
      from: CallerOrigin,
      scopes: readonly string[] = [],
    ): void {
      if (!isPresentedKey(caller)) return;
      const { organizationId, keyId, presented, resolved } = caller;
      const code = refusal ? verdictOf(refusal) : 'valid';
      if (code === 'valid') refreshAtWorkos(presented, resolved.record);
      countVerdict(code, resolved.source);
      noteUse({ organizationId, keyId, code, atMs: clock().getTime(), count: 1, ...from, scopes });
    },
  };
}

/** A refusal that is not about the key leaves it valid. */
function verdictOf({ code, details }: AppError): VerdictCode {
  return details?.['required_environment'] === undefined
    ? (VERDICT_OF_REFUSAL[code] ?? 'valid')
    : 'environment_mismatch';
}
