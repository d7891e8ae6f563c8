import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../clock.ts';
import { AppError } from '../../errors.ts';
import type { CallerOrigin, UserCaller } from '../../http/caller.ts';
import type { OpaqueTokens } from '../../secrets.ts';
import type { LiveSessions } from '../live-sessions.ts';
import type { NewSession } from '../sign-in/sign-in.ts';
import type { RefreshSeal } from './refresh-seal.ts';
import { factsOf, notNow } from './renew-session.ts';
import type { Presented, RenewSession } from './renew-session.ts';
import type { StoredSessions } from './stored-sessions.ts';
import type { OpaqueSession, TokenRepository } from './token-repository.ts';

type Deps = {
  tokens: OpaqueTokens;
  repository: Pick<TokenRepository, 'insert'>;
  seal: RefreshSeal;
  stored: StoredSessions;
  live: LiveSessions;
  renew: RenewSession;
  /** Returns scopes with all that they imply. */
  implying: (scopes: readonly string[]) => ReadonlySet<string>;
  inactivityMs: number;
  clock: Clock;
};

/** Renewals begin this long before the facts end, and fail without harm until then. */
const EARLY_MS = 60_000;
/** How long a request waits for the renewal of another replica. */
const WAIT_MS = 3_000;
const WAIT_STEP_MS = 100;

export type OpaqueSessions = ReturnType<typeof makeOpaqueSessions>;

/**
 * Sessions with an opaque token of Latchkey's own, which end by inactivity alone. Latchkey renews what WorkOS says of them
 * behind the token. While WorkOS cannot renew it, a session is good until its facts end, and 503 from then on; it is not over.
 */
export function makeOpaqueSessions(deps: Deps) {
  const { tokens, repository, stored, live, clock } = deps;
  const current = makeCurrent(deps);
  return {
    /**
     * Returns the caller of an opaque token, and counts the use.
     * @throws AppError `credential_invalid`, `credential_expired` with `details.reason`, `workos_unavailable`
     */
    async find(token: string, from: CallerOrigin): Promise<UserCaller> {
      const session = await stored.find(token);
      if (!session) throw unknown();
      await live.admit(callerOf(deps, session));
      return callerOf(deps, await current(session, { token, from }));
    },

    /** Makes the token of a session that WorkOS has opened. */
    async issue({ caller, refreshToken }: NewSession): Promise<{ token: string; expiresAt: Date }> {
      const { token, hash } = tokens.make();
      const { sessionId, userId } = caller;
      const sealedRefresh = deps.seal.close(refreshToken, token, sessionId);
      const renewed = { ...factsOf(caller), tokenHash: hash, sealedRefresh, lostAt: undefined };
      await repository.insert({ sessionId, userId, ...renewed });
      return { token, expiresAt: new Date(clock().getTime() + deps.inactivityMs) };
    },
  };
}

/** Renews sessions whose facts are near their end. Requests of this replica share a renewal. */
function makeCurrent(deps: Deps) {
  const { stored, clock } = deps;
  const running = new Map<string, Promise<OpaqueSession>>();

  async function renewed(session: OpaqueSession, presented: Presented): Promise<OpaqueSession> {
    const horizon = new Date(clock().getTime() + EARLY_MS);
    const known = await stored.read(presented.token);
    if (known && known.factsUntil > horizon) return known;
    const facts = await deps.renew(known ?? session, presented, horizon);
    if (!facts) return awaitOther(deps, presented.token);
    return (await stored.read(presented.token)) ?? { ...session, ...facts };
  }

  function renewOnce(session: OpaqueSession, presented: Presented): Promise<OpaqueSession> {
    const { sessionId } = session;
    const known = running.get(sessionId);
    if (known) return known;
    const renewal = renewed(session, presented).finally(() => running.delete(sessionId));
    running.set(sessionId, renewal);
    return renewal;
  }

  return async function current(session: OpaqueSession, presented: Presented): Promise<OpaqueSession> {
    const leftMs = session.factsUntil.getTime() - clock().getTime();
    if (leftMs > EARLY_MS || (leftMs > 0 && running.has(session.sessionId))) return session;
    return renewOnce(session, presented).catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'workos_unavailable' && session.factsUntil > clock())
        return session;
      throw error;
    });
  };
}

/** Waits while another replica renews the session. */
async function awaitOther(deps: Deps, token: string): Promise<OpaqueSession> {
  const deadline = performance.now() + WAIT_MS;
  for (;;) {
    const session = await deps.stored.read(token);
    if (!session) throw unknown();
    if (session.factsUntil > deps.clock()) return session;
    await deps.live.admit(callerOf(deps, session));
    if (performance.now() >= deadline) throw notNow('This session is renewed at WorkOS now. Try again shortly.');
    await sleep(WAIT_STEP_MS);
  }
}

function callerOf({ implying }: Pick<Deps, 'implying'>, session: OpaqueSession): UserCaller {
  const { sessionId, userId, organizationId, role, scopes, issuedAt, factsUntil: expiresAt } = session;
  return { kind: 'user', organizationId, userId, sessionId, role, issuedAt, expiresAt, scopes: implying(scopes) };
}

function unknown(): AppError {
  return new AppError('credential_invalid', 'There is no such session. Sign in again.');
}
