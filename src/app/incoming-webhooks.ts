import type { Knex } from 'knex';
import type { Logger } from 'pino';
import type { Items, ItemsOf } from '../background/items.ts';
import type { ApplyBilling } from '../billing/apply-billing.ts';
import type { TenantRepository } from '../tenants/tenant-repository.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { FaultPoint } from '../process/fault-point.ts';
import { makeApplyMessage } from '../billing/webhooks/standard/apply-message.ts';
import { makeApplyStripe } from '../billing/webhooks/stripe/apply-stripe.ts';
import { hookRoutes } from '../billing/webhooks/webhook-routes.ts';
import { makeInboxSteps } from '../billing/webhooks/inbox-loops.ts';
import { makeInbox } from '../billing/webhooks/inbox.ts';
import { makeJudgeHook } from '../billing/webhooks/judge-webhook.ts';
import { makeKeepRefused } from '../billing/webhooks/record-rejected.ts';
import { WAITING_LOOP, makeKeptHooks } from '../billing/webhooks/due-webhooks.ts';
import { makeReplayHook } from '../billing/webhooks/replay-webhook.ts';
import { makeStripeSubscriptions } from '../billing/webhooks/stripe/stripe-subscriptions.ts';
import { makeTakeHook } from '../billing/webhooks/receive-webhook.ts';
import type { Route } from '../http/route.ts';
import type { Catalogue } from '../permissions/catalogue.ts';
import type { Product } from '../product/product.ts';
import { stripeMappingOf } from '../product/stripe-rules.ts';
import type { Loop } from '../background/loop.ts';
import type { Metrics } from '../telemetry/metrics.ts';

type Deps = {
  config: Pick<Config, 'hooks' | 'role' | 'databasePoolMax'>;
  product: Pick<Product, 'stripe'>;
  catalogue: Pick<Catalogue, 'planNames'>;
  db: Knex;
  tenants: Pick<TenantRepository, 'make'>;
  applyBilling: ApplyBilling;
  metrics: Pick<Metrics, 'hooks'>;
  itemsOf: ItemsOf;
  at: FaultPoint;
  clock: Clock;
  log: Pick<Logger, 'info' | 'warn'>;
};

export type HooksParts = ReturnType<typeof makeHooks>;

const WAITING_INTERVAL_MS = 5_000;
const SWEEP_INTERVAL_MS = 10 * 60_000;

/** What takes hooks in, keeps them, and applies them again. */
export function makeHooks({ config, product, catalogue, db, tenants, applyBilling, metrics, itemsOf, ...deps }: Deps) {
  const { at, clock, log } = deps;
  const inbox = makeInbox(clock);
  const keptHooks = makeKeptHooks(db);
  const holdTenant = (trx: Knex.Transaction, organizationId: string) => tenants.make(trx, organizationId, clock());
  const judgeHook = makeJudgeHook({
    applyStripe: makeApplyStripe({
      subscriptions: makeStripeSubscriptions(),
      holdTenant,
      applyBilling,
      mapping: stripeMappingOf(product.stripe),
    }),
    applyMessage: makeApplyMessage({ inbox, holdTenant, applyBilling }),
  });
  // The other connections are for requests.
  const concurrency = Math.max(1, Math.floor(config.databasePoolMax / 3));
  const { hooks } = metrics;
  const replayHook = makeReplayHook({ db, inbox, judgeHook, hooks, log });
  const items = itemsOf(WAITING_LOOP);
  const steps = makeInboxSteps({ keptHooks, replayHook, items, retentionDays: config.hooks.retentionDays, clock });
  return {
    listHooks: keptHooks.list,
    replayHook,
    loops: config.role === 'api' ? [] : loopsOf(steps, items),
    routes: (): Route[] =>
      hookRoutes({
        ...config.hooks,
        planNames: catalogue.planNames,
        takeHook: makeTakeHook({ db, inbox, judgeHook, hooks, log, at, concurrency }),
        keepRefused: makeKeepRefused({ db, clock, log }),
        hooks,
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
