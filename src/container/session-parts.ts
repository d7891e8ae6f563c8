import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { AuditLog } from '../audit/audit-log.ts';
import { checkRoutes } from '../auth/check-routes.ts';
import { makeEndSession, makeRevokeSessions, makeSweepSessions } from '../auth/end-session.ts';
import { makeNoteFailedSignIn } from '../auth/failed-sign-ins.ts';
import { makeKeySet } from '../auth/key-set.ts';
import { makeLiveSessions } from '../auth/live-sessions.ts';
import type { OrganizationAddresses } from '../auth/organization-addresses.ts';
import { makeRecordSession } from '../auth/record-session.ts';
import { makeSessionActivity } from '../auth/session-activity.ts';
import type { SessionActivity } from '../auth/session-activity.ts';
import type { SessionMemory } from '../auth/session-memory.ts';
import { makeSessionEndsRepository } from '../auth/session-ends-repository.ts';
import { makeSessionRepository } from '../auth/session-repository.ts';
import { makeSignIn } from '../auth/sign-in.ts';
import { makeSignInRates } from '../auth/sign-in-rates.ts';
import { signInRoutes } from '../auth/sign-in-routes.ts';
import { makeTokenVerifier } from '../auth/token-verifier.ts';
import type { TenantRepository } from '../billing/tenant-repository.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import type { Route } from '../http/route.ts';
import type { FailedCredentials } from '../limits/failed-credentials.ts';
import type { Limiter } from '../limits/limiter.ts';
import { within } from '../limits/within.ts';
import type { Catalogue } from '../permissions/catalogue.ts';
import type { Product } from '../permissions/product.ts';
import type { Loop } from '../sync/background.ts';
import type { Announce } from '../verification/announce.ts';
import type { Trust } from '../verification/trust.ts';
import type { WorkosGateway } from '../workos/gateway.ts';

type Deps = {
  config: Config;
  product: Product;
  db: Knex;
  catalogue: Catalogue;
  workos: WorkosGateway;
  addresses: OrganizationAddresses;
  tenants: Pick<TenantRepository, 'find'>;
  limiter: Limiter;
  sessionMemory: SessionMemory;
  announce: Announce;
  audit: AuditLog;
  trust: Trust;
  clock: Clock;
  log: Logger;
};

const MINUTE_MS = 60_000;
const FLUSH_MS = 1_000;
const CLOSE_MS = 3_000;

/** What knows of people's sessions: their tokens, that they are used, and that they are over. */
export function makeSessionParts(deps: Deps) {
  const { config, product, db, sessionMemory: memory, trust, clock, log } = deps;
  const { password_sign_in: hasSignIn, inactivity_minutes: minutes } = product.sessions;
  const inactivityMs = minutes === undefined ? undefined : minutes * MINUTE_MS;
  // So far replicas may differ in when a session was last used.
  const lagMs = Math.min(MINUTE_MS, (inactivityMs ?? MINUTE_MS) / 10);
  const sessions = makeSessionRepository(db);
  const ends = makeSessionEndsRepository(db);
  const activity = makeSessionActivity({ sessions, lagMs });
  const live = makeLiveSessions({ sessions, memory, activity, inactivityMs, isTrusted: trust.isTrusted, clock });
  const endSession = makeEndSession({ ...deps, sessions, ends });
  const verify = tokenVerifier(deps);
  const isOrganizationKnown = isKnown(deps);
  const unusedMs = inactivityMs === undefined ? undefined : inactivityMs + 2 * lagMs;

  const signInOf = (failures: FailedCredentials) =>
    makeSignIn({
      ...deps,
      verifyToken: verify,
      live,
      sessions,
      endSession,
      recordSession: makeRecordSession({ ...deps, sessions }),
      noteFailedSignIn: makeNoteFailedSignIn({ ...deps, isOrganizationKnown }),
      rates: makeSignInRates({ limiter: deps.limiter, perMinute: config.signInsPerMinute }),
      failures,
    });

  return {
    /** Who a session or machine token stands for, if its session is not over. */
    async verifyToken(token: string) {
      const caller = await verify(token);
      if (caller.kind === 'user') await live.admit(caller);
      return caller;
    },
    sessionRoutes: (failures: FailedCredentials): Route[] => [
      ...(hasSignIn ? signInRoutes({ signIn: signInOf(failures), endSession }) : []),
      ...checkRoutes({ isOrganizationKnown, scopeNames: deps.catalogue.scopeNames }),
    ],
    sessionLoops: loops({ ...deps, activity, ends }, unusedMs),
    /** Writes the last uses, when no more come. */
    async closeSessions(): Promise<void> {
      await within(CLOSE_MS, activity.flush(Infinity)).catch((error: unknown) =>
        log.warn({ err: error }, 'when some sessions were last used is lost: it could not be written'),
      );
    },
  };
}

type LoopDeps = { activity: SessionActivity } & Pick<Deps, 'config'> &
  Parameters<typeof makeRevokeSessions>[0] &
  Parameters<typeof makeSweepSessions>[0];

function loops(deps: LoopDeps, unusedMs: number | undefined): Loop[] {
  const { role, settleIntervalMs } = deps.config;
  const flush: Loop = {
    name: 'flush_sessions',
    everyMs: FLUSH_MS,
    step: () => deps.activity.flush(deps.clock().getTime()),
  };
  const revoke: Loop = { name: 'revoke_sessions', everyMs: settleIntervalMs, step: makeRevokeSessions(deps) };
  const sweep: Loop = { name: 'sweep_sessions', everyMs: MINUTE_MS, step: makeSweepSessions(deps, unusedMs) };
  return [...(role === 'worker' ? [] : [flush]), ...(role === 'api' ? [] : [revoke, sweep])];
}

function isKnown({ tenants }: Pick<Deps, 'tenants'>) {
  return async (organizationId: string): Promise<boolean> => {
    const tenant = await tenants.find(organizationId);
    return tenant !== undefined && tenant.deletedAt === undefined;
  };
}

function tokenVerifier({ config, catalogue, clock }: Pick<Deps, 'config' | 'catalogue' | 'clock'>) {
  const { clientId, apiUrl, authkitUrl, issuers, timeoutMs } = config.workos;
  return makeTokenVerifier({
    clientId,
    sessionIssuers: issuers,
    sessionKeys: makeKeySet({ url: `${apiUrl}/sso/jwks/${clientId}`, timeoutMs, clock }),
    machineIssuer: authkitUrl,
    machineKeys:
      authkitUrl === undefined ? undefined : makeKeySet({ url: `${authkitUrl}/oauth2/jwks`, timeoutMs, clock }),
    implying: catalogue.implying,
    clock,
  });
}
