import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { credentialInvalid } from '../../auth/credentials.ts';
import type { Clock } from '../../clock.ts';
import type { Config } from '../../config/config.ts';
import type { UserCaller } from '../../http/caller.ts';
import { makeSealing } from '../../idempotency/sealing.ts';
import type { Announce } from '../../invalidation/announce.ts';
import type { Trust } from '../../invalidation/trust.ts';
import type { Catalogue } from '../../permissions/catalogue.ts';
import type { Product } from '../../product/product.ts';
import { deriveKeys, makeOpaqueTokens } from '../../secrets.ts';
import type { EndSession } from '../../sessions/end-session.ts';
import type { LiveSessions } from '../../sessions/live-sessions.ts';
import { makeFactsByApi } from '../../sessions/opaque/facts-by-api.ts';
import { makeOpaqueSessions } from '../../sessions/opaque/opaque-sessions.ts';
import type { OpaqueSessions } from '../../sessions/opaque/opaque-sessions.ts';
import { makeStoredSessions } from '../../sessions/opaque/stored-sessions.ts';
import type { OpaqueMemory } from '../../sessions/opaque/stored-sessions.ts';
import { makeRefreshSeal } from '../../sessions/opaque/refresh-seal.ts';
import { makeRenewSession } from '../../sessions/opaque/renew-session.ts';
import { makeTokenRepository } from '../../sessions/opaque/token-repository.ts';
import { makeSignInRefusal } from '../../sessions/sign-in/sign-in-refusal.ts';
import type { TokenVerifier } from '../../auth/token-verifier.ts';
import { findTokensInRegion } from '../../region/region-readers.ts';
import type { Region } from '../region/region.ts';
import type { WorkosGateway } from '../../workos/gateway.ts';
import type { Budgets } from '../api-keys/budgets.ts';

type Deps = {
  config: Config;
  product: Product;
  db: Knex;
  region: Region;
  catalogue: Pick<Catalogue, 'implying'>;
  workos: WorkosGateway;
  budgets: Pick<Budgets, 'refreshes'>;
  opaqueMemory: OpaqueMemory;
  announce: Announce;
  trust: Pick<Trust, 'isTrusted'>;
  live: LiveSessions;
  endSession: EndSession;
  verifyToken: TokenVerifier;
  clock: Clock;
  log: Logger;
};

const CLAIM_MARGIN_MS = 5_000;
const PREFIX = 'lkus_';

/** Makes sessions with a token of Latchkey's own. @returns undefined where the product's sessions have WorkOS's */
export function opaqueSessions(deps: Deps, inactivityMs: number | undefined): OpaqueSessions | undefined {
  const { config, product, db, region, catalogue, workos, trust } = deps;
  if (product.sessions.token !== 'opaque' || inactivityMs === undefined) return undefined;
  const tokens = makeOpaqueTokens(PREFIX, deriveKeys(config, 'session token'));
  const repository = makeTokenRepository(db);
  const [current, ...previous] = deriveKeys(config, 'session refresh seal');
  const seal = makeRefreshSeal([makeSealing(current), ...previous.map(makeSealing)]);
  const renew = makeRenewSession({
    ...deps,
    tokens,
    repository,
    seal,
    factsByApi: makeFactsByApi({ workos }),
    signInRefusal: makeSignInRefusal(deps.log),
    turn: (sessionId) => deps.budgets.refreshes.turn(sessionId, 'here'),
    claimMs: 2 * config.workos.timeoutMs + CLAIM_MARGIN_MS,
  });
  const { implying } = catalogue;
  const findNearby = region
    ? findTokensInRegion(region, { region: makeTokenRepository(region.db).find, home: repository.find })
    : repository.find;
  const stored = makeStoredSessions({
    tokens,
    repository,
    findNearby,
    memory: deps.opaqueMemory,
    isTrusted: trust.isTrusted,
  });
  return makeOpaqueSessions({ ...deps, tokens, repository, seal, stored, renew, implying, inactivityMs });
}

export function refuseOpaque(): Promise<UserCaller> {
  throw credentialInvalid();
}
