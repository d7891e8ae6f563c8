import type { Knex } from 'knex';
import type { Logger } from 'pino';
import { Counter } from 'prom-client';
import type { ItemsOf } from '../background/items.ts';
import { makePolicy } from '../tenants/posture.ts';
import { makeTenantRepository } from '../tenants/tenant-repository.ts';
import type { PolicyRules } from '../tenants/posture.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { StartError } from '../errors.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import { holdKeys } from '../api-keys/rows/key-repository.ts';
import { makeDeliver } from '../webhooks/deliver.ts';
import type { Send } from '../webhooks/deliver.ts';
import { makeForwardToWorkos } from '../webhooks/audit-logs/forward-to-workos.ts';
import { makeOutboxWriter } from '../webhooks/outbox-writer.ts';
import type { OutboxWriter } from '../webhooks/outbox-writer.ts';
import { makeOutbox } from '../webhooks/outbox.ts';
import { makePostureWebhooks } from '../webhooks/triggers/posture-webhooks.ts';
import type { PostureWebhooks } from '../webhooks/triggers/posture-webhooks.ts';
import { makeSendWebhook } from '../webhooks/send-webhook.ts';
import { makeSince } from '../webhooks/triggers/since.ts';
import { makeSweepWebhooks } from '../webhooks/sweep.ts';
import { makePublishAudited } from '../webhooks/triggers/publish-audited.ts';
import { EXPIRING_LOOP, makePublishExpiring } from '../webhooks/triggers/publish-expiring.ts';
import { REVIEWS_LOOP, makePublishReviews } from '../webhooks/triggers/publish-reviews.ts';
import { makePublishLimitReached } from '../webhooks/triggers/publish-limit-reached.ts';
import { makePublishPostures } from '../webhooks/triggers/publish-postures.ts';
import { makePublishUnused } from '../webhooks/triggers/publish-unused.ts';
import { makeReviews } from './api-keys/reviews.ts';
import { POSTURES_LOOP, deletePublished } from '../webhooks/triggers/published-postures.ts';
import { makeDeadDeliveries } from '../webhooks/dead-deliveries.ts';
import { oldestSeconds } from '../webhooks/undelivered.ts';
import { WORKOS_ENDPOINT } from '../product/webhook-types.ts';
import type { Product } from '../product/product.ts';
import type { Loop } from '../background/loop.ts';
import type { RateLimiter } from '../background/rate-limiter.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { VERSION } from '../config/version.ts';
import type { WorkosGateway } from '../workos/gateway.ts';

type Deps = {
  config: Pick<Config, 'role' | 'endpointSecrets'>;
  product: Pick<Product, 'webhooks'>;
  policyRules: PolicyRules;
  db: Knex;
  metrics: Pick<Metrics, 'registry' | 'tableGauges' | 'failures'>;
  workos: Pick<WorkosGateway, 'createAuditEvent'>;
  rateLimiter: RateLimiter;
  itemsOf: ItemsOf;
  catalogue: Parameters<typeof makeReviews>[0]['catalogue'];
  at: FaultPoint;
  clock: Clock;
  log: Pick<Logger, 'warn' | 'error'>;
};
type Target = { name: string; send: Send };

const UNUSED_LOOP = 'tell_unused';
const DELIVERY_INTERVAL_MS = 1_000;
const POSTURES_INTERVAL_MS = 2_000;
const EXPIRING_INTERVAL_MS = 60_000;
const UNUSED_INTERVAL_MS = 60 * 60_000;
const SWEEP_INTERVAL_MS = 60 * 60_000;
const REVIEWS_INTERVAL_MS = 60 * 60_000;

export type WebhooksParts = ReturnType<typeof makeWebhooksParts>;

/** The outgoing webhooks: what enqueues them, what finds the events that the clock brings, and what delivers. */
export function makeWebhooksParts(deps: Deps) {
  const { product, policyRules, db, clock } = deps;
  const { endpoints, audit_forwarding: forwardsAudit } = product.webhooks;
  const targets = targetsOf(deps);
  const writer = makeOutboxWriter({ endpoints, forwardsAudit, clock });
  const policy = makePolicy(policyRules);
  const postures = makePostureWebhooks({ policy, outbox: writer, clock });
  const outbox = makeOutbox(db);
  const names = targets.map(({ name }) => name);
  deps.metrics.tableGauges.add(
    {
      name: 'latchkey_notices_oldest_seconds',
      help: 'Seconds that the oldest waiting webhook delivery has waited, by endpoint.',
      label: 'endpoint',
    },
    () => oldestSeconds(db, names, clock()),
  );
  const sweep = {
    name: 'sweep_notices',
    everyMs: SWEEP_INTERVAL_MS,
    step: makeSweepWebhooks({ db, endpoints: names, clock }),
    bulk: 'Each statement gives up or deletes old deliveries and skips rows that are locked.',
  };
  const loops = [...deliveries(deps, targets, outbox), ...watches({ ...deps, policy, postures, writer }), sweep];
  return {
    /** For the audit log, in each transaction that records an event. */
    publish: makePublishAudited({ outbox: writer, postures, holdKeys, clock }),
    /** For the transaction that refuses a key. */
    publishLimitReached: makePublishLimitReached({ outbox: writer, clock }),
    /** Those that this process's role runs. */
    loops: deps.config.role === 'api' ? [] : loops,
  };
}

/** @throws StartError that names every variable that is missing */
function targetsOf({ config, product, db, workos, rateLimiter }: Deps): Target[] {
  const { endpoints, audit_forwarding: forwardsAudit } = product.webhooks;
  const secretsOf = (variable: string) => config.endpointSecrets[variable] ?? [];
  const missing = endpoints.filter(({ secret_env: variable }) => secretsOf(variable).length === 0);
  if (missing.length > 0) {
    const lines = missing.map(
      ({ name, secret_env: variable }) => `  ${variable}: is missing, for the endpoint '${name}'`,
    );
    throw new StartError(`The environment is not complete:\n${lines.join('\n')}`);
  }
  const own = endpoints.map(({ name, url, secret_env: variable }) => ({
    name,
    send: makeSendWebhook({ url, secrets: secretsOf(variable), userAgent: `latchkey/${VERSION}` }),
  }));
  if (!forwardsAudit) return own;
  const tenants = makeTenantRepository(db);
  const isDeleted = async (organizationId: string) => (await tenants.find(organizationId))?.deletedAt !== undefined;
  return [...own, { name: WORKOS_ENDPOINT, send: makeForwardToWorkos({ workos, rateLimiter, isDeleted }) }];
}

/** A loop for each endpoint, so that one that does not answer delays no other. */
function deliveries(
  { db, metrics, at, clock, log }: Deps,
  targets: readonly Target[],
  outbox: ReturnType<typeof makeOutbox>,
): Loop[] {
  const attempts = new Counter({
    name: 'latchkey_notices_total',
    help: 'Attempts to deliver webhooks, by endpoint, type and outcome.',
    labelNames: ['endpoint', 'type', 'outcome'] as const,
    registers: [metrics.registry],
  });
  return targets.map(({ name: endpoint, send }) => {
    const loop = `deliver_notices_${endpoint}`;
    const step = makeDeliver({
      endpoint,
      send,
      outbox,
      count: (type, outcome) => attempts.inc({ endpoint, type, outcome }),
      onFailure(error) {
        metrics.failures.inc({ loop });
        log.warn({ err: error, loop }, 'failed to record the result of a webhook delivery; it will be sent again');
      },
      at,
      clock,
      log,
    });
    return {
      name: loop,
      everyMs: DELIVERY_INTERVAL_MS,
      step,
      lagSeconds: async () => (await oldestSeconds(db, [endpoint], clock()))[endpoint] ?? 0,
      items: makeDeadDeliveries({ db, endpoint, loop, clock }),
    };
  });
}

type WatchDeps = Deps & { policy: ReturnType<typeof makePolicy>; postures: PostureWebhooks; writer: OutboxWriter };

/** The loops that find what no request causes: expiries that come near, unused keys, postures that the clock changes. */
function watches({ db, product, clock, policy, postures, itemsOf, catalogue, writer: outbox }: WatchDeps): Loop[] {
  const since = makeSince({ db, names: product.webhooks.endpoints.map(({ name }) => name), clock });
  const deps = { db, outbox, holdKeys, since, clock };
  const postureItems = itemsOf(POSTURES_LOOP);
  const expiring = itemsOf(EXPIRING_LOOP);
  const unused = itemsOf(UNUSED_LOOP);
  const isPostureWanted = outbox.wants('organization.posture_changed');
  const publishPostures = isPostureWanted
    ? makePublishPostures({ db, policy, postures, since, items: postureItems, clock })
    : () => deletePublished(db);
  return [
    {
      name: POSTURES_LOOP,
      everyMs: isPostureWanted ? POSTURES_INTERVAL_MS : SWEEP_INTERVAL_MS,
      step: publishPostures,
      items: postureItems.deadLetters,
    },
    ...(outbox.wants('api_key.expiring')
      ? [
          {
            name: EXPIRING_LOOP,
            everyMs: EXPIRING_INTERVAL_MS,
            step: makePublishExpiring({ ...deps, items: expiring }),
            items: expiring.deadLetters,
          },
        ]
      : []),
    ...reviewLoops({ db, product, catalogue, clock, itemsOf, outbox }),
    ...(outbox.wants('api_key.unused')
      ? [
          {
            name: UNUSED_LOOP,
            everyMs: UNUSED_INTERVAL_MS,
            step: makePublishUnused({ ...deps, items: unused }),
            items: unused.deadLetters,
          },
        ]
      : []),
  ];
}

type ReviewDeps = Pick<Deps, 'db' | 'product' | 'catalogue' | 'clock' | 'itemsOf'> & { outbox: OutboxWriter };

/** Publishes access reviews, where the product file says how often. */
function reviewLoops({ product, itemsOf, catalogue, outbox, ...deps }: ReviewDeps): Loop[] {
  const { access_reviews: rules } = product.webhooks;
  if (!rules || !outbox.wants('access_review.ready')) return [];
  const items = itemsOf(REVIEWS_LOOP);
  const { count: countFound } = makeReviews({ ...deps, catalogue });
  const step = makePublishReviews({ ...deps, outbox, countFound, everyDays: rules.every_days, items });
  return [{ name: REVIEWS_LOOP, everyMs: REVIEWS_INTERVAL_MS, step, items: items.deadLetters }];
}
