import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { Clock } from '../../clock.ts';
import type { Config } from '../../config/config.ts';
import type { Environment } from '../../api-keys/key.ts';
import type { KeyFormat } from '../../api-keys/format/key-format.ts';
import type { MirrorKeys } from '../../api-keys/mirror/mirror-keys.ts';
import { makeFailedCredentials } from '../../limits/guesses/failed-credentials.ts';
import type { Limiter } from '../../limits/limiter.ts';
import type { Catalogue } from '../../permissions/catalogue.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { traced } from '../../telemetry/tracing.ts';
import type { Tracing } from '../../telemetry/tracing.ts';
import { spanOfSource } from '../../verification/decide.ts';
import { makeAdoptKey } from '../../verification/first-use/adopt-key.ts';
import type { Announce } from '../../invalidation/announce.ts';
import { makeIsExpected } from '../../verification/first-use/expected-keys.ts';
import { gatherReads } from '../../verification/gather-reads.ts';
import { makeCountOldHashes } from '../../verification/hmac/hmac-key-use.ts';
import type { KeyCache } from '../../verification/key-cache.ts';
import type { KeyHasher } from '../../verification/hmac/key-hasher.ts';
import { makeReadMirror } from '../../verification/mirror-record.ts';
import type { ReadMirror } from '../../verification/mirror-record.ts';
import { makeRenewHashes } from '../../verification/hmac/renew-hmacs.ts';
import { isUnresolved, makeKeyResolver } from '../../verification/resolve-key.ts';
import { makeFindSaltedKey } from '../../verification/salted/find-salted-key.ts';
import { makeHashChecks } from '../../verification/salted/hash-checks.ts';
import type { Trust } from '../../invalidation/trust.ts';
import { makeUnknownKeys } from '../../verification/first-use/unknown-keys.ts';
import { readKeysInRegion } from '../../region/region-readers.ts';
import type { Region } from '../region/region.ts';
import type { Budgets } from './budgets.ts';
import type { WorkosOf } from '../workos/gateway.ts';

type Deps = {
  config: Config;
  db: Knex;
  region: Region;
  log: Logger;
  clock: Clock;
  metrics: Metrics;
  tracing: Tracing | undefined;
  catalogue: Catalogue;
  cache: KeyCache;
  trust: Trust;
  announce: Announce;
  askAboutMember: (member: { organizationId: string; userId: string }) => Promise<void>;
  hasher: KeyHasher;
  format: KeyFormat;
  workosOf: WorkosOf;
  environments: readonly Environment[];
  mirrorKeys: MirrorKeys;
  limiter: Pick<Limiter, 'takeRate'>;
  budgets: Pick<
    Budgets,
    'countHashCheck' | 'questions' | 'spareLookUps' | 'takeUnexpectedKey' | 'countFailedCredential'
  >;
};

/** Makes what finds a presented key, and what bounds the cost of guesses. */
export function makeResolverParts(deps: Deps) {
  const { config, db, cache, trust, hasher, metrics, tracing, budgets } = deps;
  const { hmacKeyIds } = hasher;
  const perMinute = config.failedCredentialsPerMinute;
  const failures = makeFailedCredentials({ ...deps, perMinute, count: budgets.countFailedCredential });
  const { resolveKey, peekKey, lookUpKey } = makeKeyResolver({
    ...deps,
    failures,
    spareLookUps: budgets.spareLookUps,
    unknown: makeUnknownKeys(cache),
    readMirror: makeReader(deps),
    renewHash: makeRenewHashes({ ...deps, hmacKeyId: hmacKeyIds[0] }),
    findSalted: makeFindSaltedKey({
      ...deps,
      checks: makeHashChecks({ log: deps.log, most: config.budgets.hashChecks, count: budgets.countHashCheck }),
    }),
    adopt: makeAdoptKey({
      ...deps,
      failures,
      isExpected: makeIsExpected({ db, cache, trust, hmacKeyIds }),
      questions: budgets.questions,
      takeUnexpectedKey: budgets.takeUnexpectedKey,
    }),
  });
  metrics.tableGauges.add(
    {
      name: 'latchkey_api_keys_by_old_secret',
      help: 'Active keys hashed under an earlier secret, by that secret; each counted up to 10,000.',
      label: 'secret',
    },
    makeCountOldHashes(db, hmacKeyIds),
  );
  const find = traced(tracing, 'find key', resolveKey, (found) =>
    spanOfSource(isUnresolved(found) ? undefined : found),
  );
  return { resolver: { peekKey, lookUpKey, resolveKey: find }, failures };
}

/** Reads keys in the region, if there is one, and at home. */
function makeReader({ config, db, region, catalogue, tracing }: Deps): ReadMirror {
  const readerOf = (database: Knex, prepared: boolean) =>
    gatherReads(makeReadMirror(database, catalogue, { prepared }), { keepRequest: tracing?.keepRequest });
  // Only a pooler needs another address for LISTEN. Nothing says whether one leads to the region.
  const home = readerOf(db, config.databaseListenUrl === undefined);
  return region ? readKeysInRegion(region, { region: readerOf(region.db, false), home }) : home;
}
