import type { Logger } from 'pino';
import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import { signedRoute } from '../../http/route.ts';
import type { Route, SignedAccess } from '../../http/route.ts';
import type { Metrics } from '../../telemetry/metrics.ts';
import { TAKEN_OUTCOMES, UNREAD } from './webhook.ts';
import type { HookSource } from './webhook.ts';
import type { KeepRefused } from './record-rejected.ts';
import { MessageBody, readMessage } from './standard/read-message.ts';
import { StripeEvent, readStripeEvent } from './stripe/read-stripe-event.ts';
import { makeVerifyStandard, makeVerifyStripe } from './signatures.ts';
import type { TakeHook } from './receive-webhook.ts';

type Deps = {
  stripeSecrets: readonly string[];
  billingSecrets: readonly string[];
  planNames: [string, ...string[]];
  takeHook: TakeHook;
  keepRefused: KeepRefused;
  hooks: Metrics['hooks'];
  log: Pick<Logger, 'warn'>;
  clock: Clock;
};

const TAG = 'Hooks';
const Received = z.object({
  outcome: z.enum([...TAKEN_OUTCOMES, 'repeated']).describe('What became of it; none of them need come again.'),
});

/** Nobody can sign anything where there is no secret, and so there is no route. */
export function hookRoutes(deps: Deps): Route[] {
  return [
    ...(deps.stripeSecrets.length > 0 ? [stripeRoute(deps)] : []),
    ...(deps.billingSecrets.length > 0 ? [billingRoute(deps)] : []),
  ];
}

function stripeRoute(deps: Deps): Route {
  const { stripeSecrets, takeHook, clock } = deps;
  return signedRoute({
    operationId: 'receiveStripeEvent',
    method: 'post',
    path: '/v1/hooks/stripe',
    tag: TAG,
    summary: "Take an event of Stripe's webhooks",
    description:
      'Events of subscriptions and their invoices move the organization; the same may come again, in any order.',
    signature: {
      scheme: 'stripeSignature',
      header: 'stripe-signature',
      verify: makeVerifyStripe(stripeSecrets, clock),
      refused: telling(deps, 'stripe'),
    },
    body: StripeEvent,
    responses: { 200: Received },
    errors: [],
    handle: async ({ body, context }) => ({ outcome: await takeHook(readStripeEvent(body, clock()), context) }),
  });
}

function billingRoute(deps: Deps): Route {
  const { billingSecrets, planNames, takeHook, clock } = deps;
  const readHook = readMessage(planNames);
  return signedRoute({
    operationId: 'receiveBillingMessage',
    method: 'post',
    path: '/v1/hooks/billing',
    tag: TAG,
    summary: 'Take what your billing says of a tenant, in the format of Standard Webhooks',
    description: 'Messages may come again and in any order; of what is said the last that happened counts.',
    signature: {
      scheme: 'standardWebhook',
      header: 'webhook-signature',
      verify: makeVerifyStandard(billingSecrets, clock),
      refused: telling(deps, 'billing'),
    },
    body: MessageBody,
    responses: { 200: Received },
    errors: [],
    handle: async ({ body, context }) => ({
      outcome: await takeHook(readHook(context.messageId!, body, clock()), context),
    }),
  });
}

/** Tells people, the metrics and the inbox of what is not even read. */
function telling({ hooks, log, keepRefused }: Deps, source: HookSource): NonNullable<SignedAccess['refused']> {
  return ({ code }, { requestId }) => {
    hooks.inc({ source, type: UNREAD, outcome: 'refused' });
    log.warn({ request_id: requestId, source, code }, 'a hook was refused');
    keepRefused({ source, code, requestId });
  };
}
