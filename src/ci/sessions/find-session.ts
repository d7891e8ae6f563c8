import { credentialInvalid } from '../../auth/credentials.ts';
import type { Clock } from '../../clock.ts';
import { AppError } from '../../errors.ts';
import type { CiCaller } from '../../http/caller.ts';
import type { ConfiguredIssuers } from '../issuers/configured-issuers.ts';
import type { SessionRepository } from './session-repository.ts';
import type { OpaqueTokens } from '../../secrets.ts';

type Deps = {
  tokens: Pick<OpaqueTokens, 'hashesOf'>;
  sessions: Pick<SessionRepository, 'findByToken'>;
  issuers: ConfiguredIssuers;
  clock: Clock;
};

/** What the routes of keys need. No other route takes a CI session. */
const SCOPES: ReadonlySet<string> = new Set(['apikeys:write']);

export type FindCiSession = ReturnType<typeof makeFindCiSession>;

/**
 * Finds the caller of a CI session's token. Its policy is read for every request: one that is disabled, deleted, changed or
 * of an issuer that the operator no longer allows ends what its sessions may do.
 * @throws AppError `credential_invalid`, `credential_expired`, `permission_denied`
 */
export function makeFindCiSession({ tokens, sessions, issuers, clock }: Deps) {
  return async function findCiSession(token: string): Promise<CiCaller> {
    const hashes = tokens.hashesOf(token);
    const session = hashes.length === 0 ? undefined : await sessions.findByToken(hashes);
    if (!session) throw credentialInvalid('There is no such CI session, or it has ended.');
    const { organizationId, policyId, id: sessionId, expiresAt } = session;
    if (expiresAt <= clock())
      throw new AppError('credential_expired', 'The CI session has expired. Exchange a new token.');
    if (!session.enabled || session.issue !== 'session' || !issuers.has(session.issuer))
      throw new AppError('permission_denied', 'The policy of this CI session no longer allows sessions.');
    return { kind: 'ci', organizationId, policyId, sessionId, scopes: SCOPES };
  };
}
