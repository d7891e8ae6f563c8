import type { Logger } from 'pino';
import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import { signedRoute } from '../../http/route.ts';
import type { Route } from '../../http/route.ts';
import type { CountWebhook } from './count-webhooks.ts';
import type { Provider } from './provider.ts';
import type { RecordRejected } from './record-rejected.ts';
import type { ReceiveWebhook } from './receive-webhook.ts';
import { RECEIVED_OUTCOMES, UNREAD } from './webhook.ts';

type Deps = {
  connections: ReadonlyMap<string, Pick<ReturnType<Provider['connect']>, 'read'>>;
  /** Signing secrets by the variable that has them. */
  secrets: Readonly<Record<string, readonly string[]>>;
  receiveWebhook: ReceiveWebhook;
  recordRejected: RecordRejected;
  count: CountWebhook;
  log: Pick<Logger, 'warn'>;
  clock: Clock;
};

const Received = z.object({
  outcome: z
    .enum([...RECEIVED_OUTCOMES, 'repeated'])
    .describe('What became of the webhook. Whatever it is, the webhook need not be sent again.'),
});

/** One route for each provider that has signing secrets. */
export function webhookRoutes(providers: readonly Provider[], deps: Deps): Route[] {
  return providers.flatMap((provider) => {
    const secrets = deps.secrets[provider.variable.name] ?? [];
    return secrets.length > 0 ? [routeOf(provider, secrets, deps)] : [];
  });
}

function routeOf({ source, signature, route, body }: Provider, secrets: readonly string[], deps: Deps): Route {
  const { receiveWebhook, recordRejected, count, log, clock } = deps;
  const { read } = deps.connections.get(source)!;
  return signedRoute({
    ...route,
    method: 'post',
    tag: 'Incoming webhooks',
    signature: {
      schemes: [signature.scheme],
      verify: signature.makeVerify(secrets, clock),
      refused({ code }, { requestId }) {
        count({ source, type: UNREAD }, 'refused');
        log.warn({ request_id: requestId, source, code }, 'billing webhook rejected');
        recordRejected({ source, code, requestId });
      },
    },
    body,
    responses: { 200: Received },
    errors: [],
    handle: async ({ body: sent, context }) => {
      const webhook = read(sent, { messageId: context.messageId, now: clock() });
      return { outcome: await receiveWebhook(webhook, context) };
    },
  });
}
