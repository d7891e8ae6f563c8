import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { ErrorCode } from '../errors.ts';
import { ipNotAllowed } from '../ip/ip-match.ts';
import type { ApiKeyCaller } from '../http/caller.ts';
import type { FailedCredentials } from '../limits/guesses/failed-credentials.ts';
import type { Limiter, Taken } from '../limits/limiter.ts';
import { isLimited } from '../limits/limits.ts';
import type { RefreshAtWorkos } from '../usage/refresh-workos-last-use.ts';
import type { NoteUse } from '../usage/use.ts';
import { isExpired, isFromAllowed, isRevoked } from './judge.ts';
import type { VerdictCode } from './judge.ts';
import { limitError, limitHeaders } from './limit-answer.ts';
import type { MirrorRecord } from './mirror-record.ts';
import { isUnsought } from './resolve-key.ts';
import type { Resolved, ResolveKey } from './resolve-key.ts';

type Deps = {
  resolveKey: ResolveKey;
  failures: Pick<FailedCredentials, 'refusal'>;
  limiter: Pick<Limiter, 'take'>;
  noteUse: NoteUse;
  refreshAtWorkos: RefreshAtWorkos;
  countVerdict: (code: VerdictCode) => void;
  clock: Clock;
};
type From = { ip: string | undefined; userAgent: string | undefined };

/** The key that a caller came with. */
export type Presented = { presented: string; resolved: Resolved };
export type KeyCallers = ReturnType<typeof makeKeyCallers>;

const REFUSALS: Partial<Record<ErrorCode, VerdictCode>> = {
  permission_denied: 'insufficient_scope',
  ip_not_allowed: 'ip_not_allowed',
  billing_inactive: 'billing_inactive',
  rate_limited: 'rate_limited',
};

/**
 * The callers that Latchkey's own routes are asked by with an API key: known, limited and counted as verification
 * knows, limits and counts other people's.
 */
export function makeKeyCallers({ resolveKey, failures, limiter, noteUse, refreshAtWorkos, countVerdict, clock }: Deps) {
  const records = new WeakMap<ApiKeyCaller, Presented>();

  function note({ organizationId, keyId }: MirrorRecord, code: VerdictCode, from: From): void {
    countVerdict(code);
    noteUse({ organizationId, keyId, code, atMs: clock().getTime(), count: 1, ...from });
  }

  return {
    /** @throws AppError `credential_expired`, `workos_unavailable`, `rate_limited` for the address */
    async find(presented: string, from: From): Promise<ApiKeyCaller | undefined> {
      const found = await resolveKey(presented, { guesser: { address: from.ip }, counted: true });
      if (isUnsought(found)) throw failures.refusal(found.limited);
      if (!found) return undefined;
      const { record } = found;
      if (isRevoked(record)) {
        note(record, 'revoked', from);
        return undefined;
      }
      if (isExpired(record, clock())) {
        note(record, 'expired', from);
        throw new AppError('credential_expired', 'The API key has expired.');
      }
      const caller = callerOf(found);
      records.set(caller, { presented, resolved: found });
      return caller;
    },

    /** For a route that decides on the key by itself. */
    presentedBy: (caller: ApiKeyCaller): Presented | undefined => records.get(caller),

    /** By the key's own list and its organization's. @throws AppError `ip_not_allowed` */
    assertAddress(caller: ApiKeyCaller, address: string | undefined): void {
      const record = records.get(caller)?.resolved.record;
      if (!record || !isFromAllowed(record, address)) throw ipNotAllowed(address);
    },

    /** Counts a request towards the key's rates. @throws AppError `rate_limited`, after telling the headers */
    async admit(caller: ApiKeyCaller, setHeader: (name: string, value: string) => void): Promise<void> {
      const record = records.get(caller)?.resolved.record;
      if (!record || !isLimited(record.limits)) return;
      const { organizationId, keyId, limits } = record;
      const taken: Taken = await limiter.take({ organizationId, keyId, limits, cost: 1, lease: false });
      for (const [name, value] of limitHeaders(taken)) setHeader(name, value);
      if (taken.refused !== undefined) throw limitError(taken);
    },

    /** Notes what became of a request. */
    answered(caller: ApiKeyCaller, refusal: AppError | undefined, from: From): void {
      const known = records.get(caller);
      if (!known) return;
      const verdict = refusal ? verdictOf(refusal) : 'valid';
      if (verdict === 'valid') refreshAtWorkos(known.presented, known.resolved.record);
      note(known.resolved.record, verdict, from);
    },
  };
}

/** What a refusal by a route means for the key; one that is not about the key leaves it valid. */
function verdictOf({ code, details }: AppError): VerdictCode {
  return details?.['required_environment'] === undefined ? (REFUSALS[code] ?? 'valid') : 'environment_mismatch';
}

function callerOf({ record, stale }: Resolved): ApiKeyCaller {
  const { organizationId, keyId, environment, label, permissionSet, ownerUserId, scopes } = record;
  return { kind: 'api_key', organizationId, keyId, environment, label, permissionSet, ownerUserId, scopes, stale };
}
