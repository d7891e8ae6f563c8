import type { Logger } from 'pino';
import { z } from 'zod';
import { signedRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { EVENT_TYPES, parseEvent } from '../workos/event.ts';
import type { VerifyWebhook } from '../workos/webhook-signature.ts';
import type { ApplyEvent } from './apply-event.ts';

type Deps = {
  verify: VerifyWebhook;
  applyEvent: ApplyEvent;
  workosEvents: Metrics['workosEvents'];
  log: Pick<Logger, 'warn'>;
};

const Event = z
  .looseObject({ id: z.string(), event: z.string(), data: z.unknown(), created_at: z.string() })
  .meta({ id: 'WorkosEvent' });

const Received = z.object({
  outcome: z.enum(['applied', 'unchanged', 'ignored']).describe('What became of it; all of them are final.'),
});

/**
 * Takes WorkOS's webhooks. What cannot be applied now is no success, so that WorkOS sends it again; what does not
 * concern Latchkey is one, so that it does not.
 */
export function workosHookRoute(deps: Deps): Route {
  return signedRoute({
    operationId: 'receiveWorkosEvent',
    method: 'post',
    path: '/v1/hooks/workos',
    tag: 'Hooks',
    summary: "Take an event of WorkOS's webhooks",
    description:
      'The same event may come again, late or before others. Subscribe to the kinds that concern API keys and organizations.',
    signature: { scheme: 'workosSignature', header: 'workos-signature', verify: deps.verify },
    body: Event,
    responses: { 200: Received },
    errors: [],
    async handle({ body, context }) {
      const event = parseEvent(body);
      if (event) return { outcome: await deps.applyEvent(event, { source: 'hook', requestId: context.requestId }) };
      ignore(deps, body);
      return { outcome: 'ignored' as const };
    },
  });
}

/** A kind that is not ours, or one of ours that cannot be read: sent again it would read the same. */
function ignore({ workosEvents, log }: Deps, { id, event }: z.output<typeof Event>): void {
  const isOurs = (EVENT_TYPES as readonly string[]).includes(event);
  workosEvents.inc({ type: isOurs ? event : 'other', source: 'hook', outcome: isOurs ? 'unreadable' : 'ignored' });
  if (isOurs) log.warn({ workos_event: id.slice(0, 64), type: event }, 'an event of WorkOS cannot be read');
}
