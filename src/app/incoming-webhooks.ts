import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { Items, ItemsOf } from '../background/items.ts';
import type { ApplyBilling } from '../billing/apply-billing.ts';
import { connectProviders, makeApplyWebhook } from '../billing/webhooks/apply-webhook.ts';
import { makeCountWebhook } from '../billing/webhooks/count-webhooks.ts';
import { WAITING_LOOP, makeRecordedWebhooks } from '../billing/webhooks/due-webhooks.ts';
import { makeInboxSteps } from '../billing/webhooks/inbox-loops.ts';
import { makeInbox } from '../billing/webhooks/inbox.ts';
import { PROVIDERS } from '../billing/webhooks/providers.ts';
import { makeReceiveWebhook } from '../billing/webhooks/receive-webhook.ts';
import { makeRecordRejected } from '../billing/webhooks/record-rejected.ts';
import { makeReplayWebhook } from '../billing/webhooks/replay-webhook.ts';
import { webhookRoutes } from '../billing/webhooks/webhook-routes.ts';
import type { TenantRepository } from '../tenants/tenant-repository.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import type { Route } from '../http/route.ts';
import type { Catalogue } from '../permissions/catalogue.ts';
import type { Product } from '../product/product.ts';
import type { Loop } from '../background/loop.ts';
import type { Metrics } from '../telemetry/metrics.ts';

type Deps = {
  config: Pick<Config, 'incomingWebhooks' | 'role' | 'databasePoolMax'>;
  product: Product;
  catalogue: Pick<Catalogue, 'planNames'>;
  db: Knex;
  tenants: Pick<TenantRepository, 'make'>;
  applyBilling: ApplyBilling;
  metrics: Pick<Metrics, 'incomingWebhooks'>;
  itemsOf: ItemsOf;
  at: FaultPoint;
  clock: Clock;
  log: Pick<Logger, 'info' | 'warn'>;
};

export type IncomingWebhooks = ReturnType<typeof makeIncomingWebhooks>;

const WAITING_INTERVAL_MS = 5_000;
const SWEEP_INTERVAL_MS = 10 * 60_000;

/** The billing webhooks: the inbox, the routes that fill it, and the loops that apply what waited and delete what is old. */
export function makeIncomingWebhooks(deps: Deps) {
  const { config, db, tenants, metrics, itemsOf, at, clock, log } = deps;
  const inbox = makeInbox(clock);
  const recorded = makeRecordedWebhooks(db);
  const connections = connectProviders(PROVIDERS, {
    product: deps.product,
    planNames: deps.catalogue.planNames,
    holdTenant: (trx, organizationId) => tenants.make(trx, organizationId, clock()),
    applyBilling: deps.applyBilling,
  });
  const applyWebhook = makeApplyWebhook(connections);
  const count = makeCountWebhook({ counter: metrics.incomingWebhooks, providers: PROVIDERS });
  // The other connections are for requests.
  const concurrency = Math.max(1, Math.floor(config.databasePoolMax / 3));
  const replayWebhook = makeReplayWebhook({ db, inbox, applyWebhook, count, log });
  const items = itemsOf(WAITING_LOOP);
  const { retentionDays, secrets } = config.incomingWebhooks;
  const steps = makeInboxSteps({ recorded, replayWebhook, items, retentionDays, clock });
  return {
    listWebhooks: recorded.list,
    replayWebhook,
    loops: config.role === 'api' ? [] : loopsOf(steps, items),
    routes: (): Route[] =>
      webhookRoutes(PROVIDERS, {
        connections,
        secrets,
        receiveWebhook: makeReceiveWebhook({ db, inbox, applyWebhook, count, log, at, concurrency }),
        recordRejected: makeRecordRejected({ db, sources: PROVIDERS.length, clock, log }),
        count,
        log,
        clock,
      }),
  };
}

function loopsOf({ applyWaiting, sweep }: ReturnType<typeof makeInboxSteps>, items: Items): Loop[] {
  return [
    { name: WAITING_LOOP, everyMs: WAITING_INTERVAL_MS, step: applyWaiting, items: items.deadLetters },
    {
      name: 'sweep_hooks',
      everyMs: SWEEP_INTERVAL_MS,
      step: sweep,
      bulk: 'One statement deletes what is old and skips rows that are held.',
    },
  ];
}
