import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { makeServiceTokens } from '../auth/service-tokens.ts';
import { makeSessionCookies } from '../auth/session-cookie.ts';
import { makeItemsOf } from '../background/items.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { makeAddressParts } from './api-keys/ip-allow-lists.ts';
import { makeAuditParts } from './audit.ts';
import { makeShares } from './api-keys/budgets.ts';
import { makeCiParts } from './api-keys/ci.ts';
import { makeBillingParts } from './billing.ts';
import { makeMemberParts, makeMirror } from './workos/mirror.ts';
import { makeInvalidationParts } from './api-keys/invalidation.ts';
import { makeRegionParts } from './region/region.ts';
import { makeWebhooksParts } from './webhooks.ts';
import { makeInstruments } from './service-clock.ts';
import { makeSessionParts } from './api-keys/sessions.ts';
import { makeUsageParts } from './api-keys/usage.ts';
import { makeWorkosParts } from './workos/gateway.ts';
import { makeNameParts } from './workos/person-names.ts';
import { passFaultPoint } from '../process/fault-point.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import { makeIdempotencyRepository } from '../idempotency/idempotency-repository.ts';
import { makeFindKey } from '../api-keys/find-key.ts';
import { makeKeyFormat } from '../api-keys/format/key-format.ts';
import { importedFormsOf } from './api-keys/imported-forms.ts';
import { makeKeyRepository } from '../api-keys/rows/key-repository.ts';
import { makeMarker } from '../api-keys/mirror/marker.ts';
import { makeUnsettledKeys } from '../api-keys/rows/unsettled-keys.ts';
import { makeCatalogue } from '../permissions/catalogue.ts';
import type { Product } from '../product/product.ts';
import type { ProductSource } from '../product/read-product.ts';
import { deriveKeys } from '../secrets.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { makeKeyHasher } from '../verification/hmac/key-hasher.ts';
import { VERDICTS } from '../verification/judge.ts';

export type Parts = {
  config: Config;
  product: Product;
  /** Makes the error for faults of the product file that only the routes show. */
  refuseProduct?: ProductSource['refuseProduct'];
  db: Knex;
  /** A copy of the database near to this process, for what verifications and sessions read. */
  regionDb?: Knex;
  log: Logger;
  /** The only process on its database: every change happens here, and no `LISTEN` connection is needed. */
  alone?: boolean;
  clock?: Clock;
  /** Where a crash test may kill the process; see `FaultPoint`. */
  at?: FaultPoint;
  /** Makes what reads the metrics of all processes of the machine; those of this one, if not given. */
  scrapeOf?: (registry: Metrics['registry']) => () => Promise<string>;
  /** Off where tests compare the answers of routes with those of their fast paths. */
  fastPaths?: boolean;
  /** Waits while WorkOS asks for fewer requests, as a command does, instead of failing at once. */
  waitsOutHoldOffs?: boolean;
  /** Address of a local WorkOS whose CI issuers stand in for those of GitHub and GitLab, over plain http. */
  localIssuers?: string;
  /** On in tests: an error code that a route does not declare becomes a 500. */
  strict?: boolean;
};

export type Platform = ReturnType<typeof makePlatform>;

type Instruments = ReturnType<typeof makeInstruments>;

function instrumentsOf(parts: Parts) {
  const instruments = makeInstruments(parts);
  return { ...instruments, ...makeRegionParts({ ...instruments, ...parts }) };
}

const itemsOf = (db: Knex, { metrics, clock }: Instruments, log: Logger) =>
  makeItemsOf({ db, failures: metrics.failures, clock, log });

/** Makes the parts that routes and loops share, in the order in which they need each other. */
export function makePlatform(parts: Parts) {
  const { config, product, db, log, alone = false, at = passFaultPoint, waitsOutHoldOffs = false } = parts;
  const instruments = instrumentsOf(parts);
  const catalogue = makeCatalogue(product);
  const on = { ...instruments, config, product, db, log, at, catalogue, itemsOf: itemsOf(db, instruments, log) };
  const shares = makeShares(on);
  const { budgets, limiter, rateLimiter } = shares;
  const invalidation = makeInvalidationParts({ ...on, alone, regionProof: on.region?.proof, streams: budgets.streams });
  const gateways = makeWorkosParts({ ...on, alone, waitsOutHoldOffs });
  const { workos } = gateways;
  const format = makeKeyFormat(product.api_keys, importedFormsOf(config, product));
  const webhooks = makeWebhooksParts({ ...on, policyRules: catalogue.policyRules, workos, rateLimiter });
  const { audit, sealLoops } = makeAuditParts({ ...on, announce: invalidation.announce, publish: webhooks.publish });
  const billing = makeBillingParts({ ...on, audit });
  const addresses = makeAddressParts({ ...on, ...invalidation, ...billing, audit });
  const keys = makeKeyRepository(db);
  const findKey = makeFindKey({ keys });
  const usage = makeUsageParts({ ...on, ...gateways, format, codes: VERDICTS, keys, findKey });
  const marker = makeMarker(...deriveKeys(config, 'workos key marker'));
  const mirror = makeMirror({ ...on, marker, announce: invalidation.announce, audit });
  const tenants = { ...billing, ...addresses, ...makeMemberParts({ ...mirror, ...on, workos, rateLimiter }) };
  const platform = {
    ...on,
    ...shares,
    localIssuers: parts.localIssuers,
    usage,
    noteUse: usage.noteUse,
    refreshAtWorkos: usage.refreshAtWorkos,
    format,
    keys,
    findKey,
    unsettled: makeUnsettledKeys(db),
    idempotency: makeIdempotencyRepository(db),
    ...invalidation,
    audit,
    sealLoops,
    webhooks,
    ...gateways,
    ...makeNameParts({ config, budgets, workos }),
    findServiceToken: makeServiceTokens(config.serviceTokens),
    cookies: makeSessionCookies(config.workos.cookieName),
    hasher: makeKeyHasher(deriveKeys(config, 'api key hash')),
    marker,
    ...mirror,
    ...tenants,
    ...makeSessionParts({ ...on, ...invalidation, ...tenants, audit, workos, limiter, budgets }),
    /** By then a provisioning's two transactions and its call to WorkOS have ended or timed out. */
    settleAfterMs: 2 * config.workos.timeoutMs + 1_000,
  };
  return { ...platform, ci: makeCiParts(platform) };
}
