import { z } from 'zod';
import { signedRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { EVENT_TYPES } from '../workos/events/event.ts';
import { readEvent } from '../workos/events/read-event.ts';
import type { WorkosEvent } from '../workos/events/event.ts';
import type { VerifyWebhook } from '../workos/events/webhook-signature.ts';
import type { ApplyEvent } from './apply-event.ts';
import type { KeepUnreadable } from './unreadable-events.ts';

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
  keepUnreadable: KeepUnreadable;
  workosEvents: Metrics['workosEvents'];
};

const Event = z
  .looseObject({ id: z.string(), event: z.string(), data: z.unknown(), created_at: z.string() })
  .meta({ id: 'WorkosEvent' });

const Received = z.object({
  outcome: z
    .enum(['applied', 'unchanged', 'ignored', 'kept'])
    .describe('What became of it; `kept` is one of a kind of ours that cannot be read yet. None need be sent again.'),
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
      const read = readEvent(body);
      if (read.kind === 'unreadable') {
        await deps.keepUnreadable(read.event, 'hook');
        return { outcome: 'kept' as const };
      }
      const ours = read.kind === 'event' ? await deps.asOurs(read.event) : undefined;
      if (ours) return { outcome: await deps.applyEvent(ours, { source: 'hook', requestId: context.requestId }) };
      const isOurs = (EVENT_TYPES as readonly string[]).includes(body.event);
      deps.workosEvents.inc({ type: isOurs ? body.event : 'other', source: 'hook', outcome: 'ignored' });
      return { outcome: 'ignored' as const };
    },
  });
}
