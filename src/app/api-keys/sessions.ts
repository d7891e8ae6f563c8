import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { Items, ItemsOf } from '../../background/items.ts';
import { checkRoutes } from '../../auth/check-routes.ts';
import { makeEndSession, makeRevokeSessions, makeSweepSessions } from '../../sessions/end-session.ts';
import { makeFailedSignIns } from '../../sessions/sign-in/failed-sign-ins.ts';
import type { FailedSignIns } from '../../sessions/sign-in/failed-sign-ins.ts';
import { anyJwks, makeJwks } from '../../auth/jwks.ts';
import type { KnownAccounts } from '../../sessions/sign-in/known-accounts.ts';
import { makeLiveSessions } from '../../sessions/live-sessions.ts';
import type { OrganizationAddresses } from '../../ip-allow-lists/organization-addresses.ts';
import { makeOwnerOf } from '../../auth/owner-of.ts';
import { makeLogRefusedIssuer } from '../../auth/refused-issuers.ts';
import { makeRenewableSessions } from '../../sessions/renewable-sessions.ts';
import { makeSessionActivity } from '../../sessions/session-activity.ts';
import type { SessionActivity } from '../../sessions/session-activity.ts';
import type { FindSession, SessionMemory } from '../../sessions/live-sessions.ts';
import { SWEEP_LOOP, makeSessionRepository } from '../../sessions/session-repository.ts';
import type { SessionRepository } from '../../sessions/session-repository.ts';
import { makeSessionIssuers } from '../../auth/session-issuers.ts';
import { makeRecordSession, makeSignIn } from '../../sessions/sign-in/sign-in.ts';
import type { SignIn } from '../../sessions/sign-in/sign-in.ts';
import { makeEmailOf } from '../../sessions/sign-in/email-of.ts';
import { makeSignInRefusal } from '../../sessions/sign-in/sign-in-refusal.ts';
import { signInRoutes } from '../../sessions/sign-in/sign-in-routes.ts';
import { opaqueSessions, refuseOpaque } from '../sessions/opaque-sessions.ts';
import type { OpaqueMemory } from '../../sessions/opaque/stored-sessions.ts';
import { signOutRoute } from '../../sessions/sign-out-route.ts';
import { makeTokenVerifier } from '../../auth/token-verifier.ts';
import type { TenantRepository } from '../../tenants/tenant-repository.ts';
import type { Clock } from '../../clock.ts';
import type { Config } from '../../config/config.ts';
import type { Route } from '../../http/route.ts';
import type { FailedCredentials } from '../../limits/guesses/failed-credentials.ts';
import type { Limiter } from '../../limits/limiter.ts';
import { within } from '../../limits/within.ts';
import { deriveKeys } from '../../secrets.ts';
import type { Catalogue } from '../../permissions/catalogue.ts';
import type { Product } from '../../product/product.ts';
import type { Loop } from '../../background/loop.ts';
import type { Announce } from '../../invalidation/announce.ts';
import type { Trust } from '../../invalidation/trust.ts';
import type { WorkosGateway } from '../../workos/gateway.ts';
import { findSessionsInRegion } from '../../region/region-readers.ts';
import type { Region } from '../region/region.ts';
import type { Budgets } from './budgets.ts';

type Deps = {
  config: Config;
  product: Product;
  db: Knex;
  region: Region;
  catalogue: Catalogue;
  workos: WorkosGateway;
  addresses: OrganizationAddresses;
  tenants: Pick<TenantRepository, 'find'>;
  limiter: Limiter;
  budgets: Pick<Budgets, 'refreshes' | 'signIns'>;
  accounts: KnownAccounts;
  sessionMemory: SessionMemory;
  opaqueMemory: OpaqueMemory;
  announce: Announce;
  audit: AuditLog;
  trust: Trust;
  itemsOf: ItemsOf;
  clock: Clock;
  log: Logger;
};

const MINUTE_MS = 60_000;
const FLUSH_MS = 1_000;
const FLUSH_LOOP = 'flush_sessions';
const REVOKE_LOOP = 'revoke_sessions';
const FOLD_LOOP = 'record_failed_sign_ins';
const FOLD_MS = 10_000;
const CLOSE_MS = 3_000;

/** Parts of users' sessions: verifying tokens, sign-in, activity, and the loops that end and revoke sessions. */
export function makeSessionParts(deps: Deps) {
  const { product, db, accounts, clock, log } = deps;
  const { password_sign_in: hasSignIn, inactivity_minutes: minutes } = product.sessions;
  const inactivityMs = minutes === undefined ? undefined : minutes * MINUTE_MS;
  // Replicas may differ by this much in a session's last use.
  const lagMs = Math.min(MINUTE_MS, (inactivityMs ?? MINUTE_MS) / 10);
  const sessions = makeSessionRepository(db);
  const flushed = deps.itemsOf(FLUSH_LOOP);
  const activity = makeSessionActivity({ sessions, lagMs, items: flushed });
  const live = liveSessionsIn(deps, { sessions, activity, inactivityMs });
  const endSession = makeEndSession({ ...deps, sessions });
  const verify = tokenVerifier(deps);
  const isOrganizationKnown = isKnown(deps);
  const failedSignIns = makeFailedSignIns({ ...deps, isOrganizationKnown, accounts });
  const unusedMs = inactivityMs === undefined ? undefined : inactivityMs + 2 * lagMs;

  const opaque = opaqueSessions({ ...deps, endSession, live, verifyToken: verify }, inactivityMs);

  const signInOf = (failures: FailedCredentials) =>
    makeSignIn({
      ...deps,
      verifyToken: verify,
      live,
      sessions,
      endSession,
      recordSession: makeRecordSession({ ...deps, sessions }),
      recordFailedSignIn: failedSignIns.record,
      ownerOf: makeOwnerOf(verify),
      emailOf: product.sessions.login_names === undefined ? (login) => Promise.resolve(login) : makeEmailOf(deps),
      signInRefusal: makeSignInRefusal(log),
      rates: deps.budgets.signIns,
      failures,
      refreshes: deps.budgets.refreshes,
      renewable: makeRenewableSessions({ sessions, keys: deriveKeys(deps.config, 'refresh token'), clock }),
    });

  return {
    /** Returns the caller of a session or machine token, unless its session is over. */
    async verifyToken(token: string) {
      const caller = await verify(token);
      if (caller.kind === 'user' && caller.applicationId === undefined) await live.admit(caller);
      return caller;
    },
    /** Returns the caller of an opaque token; there are none where the product does not use them. */
    findUserSession: opaque?.find ?? refuseOpaque,
    signInOf,
    endSession,
    sessionRoutes: (signIn: SignIn): Route[] => [
      ...(hasSignIn ? signInRoutes({ signIn, issue: opaque?.issue }) : []),
      signOutRoute({ endSession }),
      ...checkRoutes({ isOrganizationKnown, scopeNames: deps.catalogue.scopeNames }),
    ],
    sessionLoops: loops({ ...deps, activity, flushed, sessions, failedSignIns }, unusedMs),
    closeSessions: () => writeLast(activity, failedSignIns, log),
  };
}

type Live = Pick<Parameters<typeof makeLiveSessions>[0], 'activity' | 'inactivityMs'> & { sessions: SessionRepository };

function liveSessionsIn({ region, sessionMemory: memory, trust, clock }: Deps, { sessions: { find }, ...live }: Live) {
  const findSession: FindSession = region
    ? findSessionsInRegion(region, { region: makeSessionRepository(region.db).find, home: find })
    : find;
  return makeLiveSessions({ ...live, findSession, memory, isTrusted: trust.isTrusted, clock });
}

/** Writes the last uses and failed sign-ins at shutdown. */
async function writeLast(activity: SessionActivity, failed: FailedSignIns, log: Logger): Promise<void> {
  const writes = Promise.allSettled([activity.flush(Infinity), failed.flush()]);
  const lost = await within(CLOSE_MS, writes).then(
    (results) => results.find((result) => result.status === 'rejected')?.reason as unknown,
    (error: unknown) => error,
  );
  if (lost !== undefined)
    log.warn({ err: lost }, 'failed to write the last session uses or failed sign-ins at shutdown');
}

type LoopDeps = {
  activity: SessionActivity;
  flushed: Items;
  sessions: SessionRepository;
  failedSignIns: Pick<FailedSignIns, 'flush'>;
} & Deps;

function loops(deps: LoopDeps, unusedMs: number | undefined): Loop[] {
  const { activity, flushed, sessions, itemsOf, clock } = deps;
  const { role, settleIntervalMs } = deps.config;
  const flush: Loop = {
    name: FLUSH_LOOP,
    everyMs: FLUSH_MS,
    async step() {
      await activity.flush(clock().getTime());
      await activity.flushSetAside();
    },
    items: flushed.deadLetters,
  };
  const record: Loop = {
    name: FOLD_LOOP,
    everyMs: FOLD_MS,
    step: deps.failedSignIns.flush,
    bulk: 'Failures that cannot be written stay counted, and hold up nothing else.',
  };
  const revoked = itemsOf(REVOKE_LOOP, ({ id }, now) => sessions.postpone(id, now));
  const revoke: Loop = {
    name: REVOKE_LOOP,
    everyMs: settleIntervalMs,
    step: makeRevokeSessions({ ...deps, items: revoked }),
    lagSeconds: () => sessions.lagSeconds(clock()),
    items: revoked.deadLetters,
  };
  const swept = itemsOf(SWEEP_LOOP);
  const sweep: Loop = {
    name: SWEEP_LOOP,
    everyMs: MINUTE_MS,
    step: makeSweepSessions({ ...deps, items: swept }, unusedMs),
    items: swept.deadLetters,
  };
  return [...(role === 'worker' ? [] : [flush, record]), ...(role === 'api' ? [] : [revoke, sweep])];
}

/** Whether an organization has a tenant that WorkOS has not deleted. */
export function isKnown({ tenants }: Pick<Deps, 'tenants'>) {
  return async (organizationId: string): Promise<boolean> => {
    const tenant = await tenants.find(organizationId);
    return tenant !== undefined && tenant.deletedAt === undefined;
  };
}

type VerifierDeps = Pick<Deps, 'config' | 'clock' | 'log'> & { catalogue: Pick<Catalogue, 'implying'> };

/** Returns the verifier of the configured issuers and applications. */
export function tokenVerifier({ config, catalogue, clock, log }: VerifierDeps) {
  const { clientIds, apiUrl, authkitUrl, issuers, timeoutMs } = config.workos;
  const jwks = (url: string) => makeJwks({ url, timeoutMs, clock });
  return makeTokenVerifier({
    clientIds,
    isSessionIssuer: makeSessionIssuers({
      urls: [apiUrl, ...(authkitUrl === undefined ? [] : [authkitUrl])],
      clientIds,
      others: issuers,
    }),
    sessionKeys: anyJwks(clientIds.map((clientId) => jwks(`${apiUrl}/sso/jwks/${clientId}`))),
    connect: authkitUrl === undefined ? undefined : { issuer: authkitUrl, keys: jwks(`${authkitUrl}/oauth2/jwks`) },
    logRefusedIssuer: makeLogRefusedIssuer(log),
    implying: catalogue.implying,
    clock,
  });
}
