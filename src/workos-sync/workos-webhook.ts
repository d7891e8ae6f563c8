import { z } from 'zod';
import { signedRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { EVENT_TYPES } from '../workos/events/event.ts';
import { readEvent } from '../workos/events/read-event.ts';
import type { WorkosEvent } from '../workos/events/event.ts';
import type { VerifyWebhook } from '../workos/events/webhook-signature.ts';
import type { ApplyEvent } from './apply-event.ts';
import type { RecordUnreadable } from './unreadable-events.ts';

/** The address that the events of an environment are sent to. */
type Address = Pick<Route, 'operationId' | 'path' | 'summary' | 'description'>;

const DESCRIPTION =
  'Events may arrive twice, late and in any order. Subscribe to the events of API keys, organizations, memberships, roles and users, and to `session.revoked`.';

export const LIVE: Address = {
  operationId: 'receiveWorkosEvent',
  path: '/v1/hooks/workos',
  summary: 'Receive a webhook of WorkOS',
  description: DESCRIPTION,
};

/** Each environment has its own address, secret and endpoint at WorkOS: a webhook of the other environment is rejected. */
export const TEST: Address = {
  operationId: 'receiveTestWorkosEvent',
  path: '/v1/hooks/workos/test',
  summary: "Receive a webhook of WorkOS's test environment",
  description:
    'Signed with the secret of the test environment. Events of test keys are applied, all others are ignored: subscribe to the events of API keys.',
};

type Deps = {
  address: Address;
  verify: VerifyWebhook;
  /** Translates an event into live organization ids; undefined for one that changes nothing here. */
  toLive: (event: WorkosEvent) => Promise<WorkosEvent | undefined>;
  applyEvent: ApplyEvent;
  recordUnreadable: RecordUnreadable;
  workosEvents: Metrics['workosEvents'];
};

const Event = z
  .looseObject({ id: z.string(), event: z.string(), data: z.unknown(), created_at: z.string() })
  .meta({ id: 'WorkosEvent' });

const SIGNATURE = {
  name: 'workosSignature',
  sender: 'WorkOS',
  header: 'WorkOS-Signature',
  description: "WorkOS's signature over the time and the body, made with the secret of the webhook endpoint.",
};

const Received = z.object({
  outcome: z
    .enum(['applied', 'unchanged', 'ignored', 'kept'])
    .describe(
      '`applied`: the mirror changed. `unchanged`: the mirror had it already. `ignored`: it does not concern Latchkey. `kept`: it cannot be read, and is stored and retried. WorkOS need not send it again.',
    ),
});

/**
 * Receives WorkOS's webhooks. An event that cannot be applied now is answered with an error, so that WorkOS retries it;
 * one that does not concern Latchkey is answered with success, so that WorkOS does not.
 */
export function workosWebhookRoute(deps: Deps): Route {
  return signedRoute({
    ...deps.address,
    method: 'post',
    tag: 'Incoming webhooks',
    signature: { schemes: [SIGNATURE], verify: deps.verify },
    body: Event,
    responses: { 200: Received },
    errors: [],
    async handle({ body, context }) {
      const read = readEvent(body);
      if (read.kind === 'unreadable') {
        await deps.recordUnreadable(read.event, 'hook');
        return { outcome: 'kept' as const };
      }
      const event = read.kind === 'event' ? await deps.toLive(read.event) : undefined;
      if (event) return { outcome: await deps.applyEvent(event, { source: 'hook', requestId: context.requestId }) };
      const isKnown = (EVENT_TYPES as readonly string[]).includes(body.event);
      deps.workosEvents.inc({ type: isKnown ? body.event : 'other', source: 'hook', outcome: 'ignored' });
      return { outcome: 'ignored' as const };
    },
  });
}
