import { EventStreamAnswer } from '../http/server/event-stream.ts';
import { serviceOrMachineRoute } from '../http/route.ts';
import type { Route } from '../http/route.ts';
import type { InvalidationStreams } from './invalidation-streams.ts';

/** What a service listens to that keeps verdicts in memory of its own. */
export function invalidationRoutes({ streams }: { streams: Pick<InvalidationStreams, 'open'> }): Route[] {
  return [
    serviceOrMachineRoute({
      operationId: 'followInvalidations',
      method: 'get',
      path: '/v1/invalidations',
      tag: 'Verification',
      summary: 'A stream of what verification must forget, as server-sent events',
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

const DESCRIPTION = `Each \`invalidation\` is \`{"organization_id","key_id"}\`: this key has changed, or, where \`key_id\` is null, anything of the organization; the same change may be told twice. \`reset\` says to forget everything: it begins a stream, unless \`Last-Event-ID\` names an event that this process still remembers; then what was missed is told first, and \`hello\` says that nothing is missing. Both carry \`heartbeat_ms\`, the longest silence while all is well.

The stream ends when this process no longer hears of every change. A client believes what it keeps only between a \`reset\` or \`hello\` and the end of the stream, or a silence. A machine token is told of its own organization.`;
