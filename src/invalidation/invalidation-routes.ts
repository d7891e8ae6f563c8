import { EventStreamAnswer } from '../http/server/event-stream.ts';
import { serviceOrMachineRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import type { InvalidationStreams } from './invalidation-streams.ts';

/** For services that cache verdicts. */
export function invalidationRoutes({ streams }: { streams: Pick<InvalidationStreams, 'open'> }): Route[] {
  return [
    serviceOrMachineRoute({
      operationId: 'followInvalidations',
      method: 'get',
      path: '/v1/invalidations',
      tag: 'Verification',
      summary: 'Stream the changes that invalidate cached verdicts, as server-sent events',
      description: DESCRIPTION,
      scope: ['apikeys:verify'],
      responses: { 200: EventStreamAnswer },
      errors: ['concurrency_limited'],
      handle: ({ caller, context }) =>
        Promise.resolve(
          streams.open({
            organizationId: caller.kind === 'machine' ? caller.organizationId : undefined,
            lastEventId: context.lastEventId,
          }),
        ),
    }),
  ];
}

const DESCRIPTION = `\`invalidation\` is \`{"organization_id","key_id"}\`: this key has changed or, where \`key_id\` is null, anything of the organization. The same change may be sent twice. \`reset\` says that anything may have changed. A stream begins with it, unless \`Last-Event-ID\` names an event that this process still remembers: then it sends the missed changes, and \`hello\` after the last of them. \`reset\` and \`hello\` carry \`heartbeat_ms\`, the longest silence of a healthy stream.

The stream ends when this process can no longer receive every change. A client may use its cache only after a \`reset\` or \`hello\`, and until the stream ends or falls silent. A machine token receives the changes of its own organization.`;
