import type { Logger } from 'pino';
import { z } from 'zod';
import { signedRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { EVENT_TYPES, parseEvent } from '../workos/event.ts';
import type { WorkosEvent } from '../workos/event.ts';
import type { VerifyWebhook } from '../workos/webhook-signature.ts';
import type { ApplyEvent } from './apply-event.ts';

/** Where the events of an environment come to. */
type Place = Pick<Route, 'operationId' | 'path' | 'summary' | 'description'>;

const DESCRIPTION =
  'The same event may come again, late or before others. Subscribe to the kinds that concern API keys and organizations, and to `session.revoked`.';

export const LIVE: Place = {
  operationId: 'receiveWorkosEvent',
  path: '/v1/hooks/workos',
  summary: "Take an event of WorkOS's webhooks",
  description: DESCRIPTION,
};

/** The environments' addresses are two, as their endpoints at WorkOS are: one that tells the other's is refused. */
export const TEST: Place = {
  operationId: 'receiveTestWorkosEvent',
  path: '/v1/hooks/workos/test',
  summary: "Take an event of the webhooks of WorkOS's test environment",
  description:
    'Signed with the secret of that environment. Events of test keys are applied, all others ignored: subscribe to those that concern API keys.',
};

type Deps = {
  place: Place;
  verify: VerifyWebhook;
  /** The event as it is applied; undefined for one that does not concern us. */
  asOurs: (event: WorkosEvent) => Promise<WorkosEvent | undefined>;
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
    ...deps.place,
    method: 'post',
    tag: 'Hooks',
    signature: { scheme: 'workosSignature', header: 'workos-signature', verify: deps.verify },
    body: Event,
    responses: { 200: Received },
    errors: [],
    async handle({ body, context }) {
      const event = parseEvent(body);
      const ours = event && (await deps.asOurs(event));
      if (ours) return { outcome: await deps.applyEvent(ours, { source: 'hook', requestId: context.requestId }) };
      ignore(deps, body, event !== undefined);
      return { outcome: 'ignored' as const };
    },
  });
}

/** A kind that is not ours, something of nobody's here, or one of ours that cannot be read: sent again it would be the same. */
function ignore({ workosEvents, log }: Deps, { id, event }: z.output<typeof Event>, isRead: boolean): void {
  const isOurs = (EVENT_TYPES as readonly string[]).includes(event);
  const isUnreadable = isOurs && !isRead;
  workosEvents.inc({
    type: isOurs ? event : 'other',
    source: 'hook',
    outcome: isUnreadable ? 'unreadable' : 'ignored',
  });
  if (isUnreadable) log.warn({ workos_event: id.slice(0, 64), type: event }, 'an event of WorkOS cannot be read');
}
