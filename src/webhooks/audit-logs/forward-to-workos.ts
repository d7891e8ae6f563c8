import { WorkosFailure, heldOffMs } from '../../workos/failure.ts';
import type { AuditLogEntry, WorkosGateway } from '../../workos/gateway.ts';
import type { Send, Sent } from '../deliver.ts';

type Deps = {
  workos: Pick<WorkosGateway, 'createAuditEvent'>;
  /** Requests of callers go to WorkOS first; this waits for what they leave. */
  rateLimiter: { turn: () => Promise<void> };
  /** Whether WorkOS has deleted the organization, as far as its events have arrived. */
  isDeleted: (organizationId: string) => Promise<boolean>;
};

/** WorkOS will answer the same again: the event is invalid, or no schema is set up for its action. */
const FINAL = [400, 422];

/** Sends audit events to WorkOS Audit Logs. WorkOS ignores an event id that it has seen, for a day at least. */
export function makeForwardToWorkos({ workos, rateLimiter, isDeleted }: Deps): Send {
  return async ({ body }) => {
    const entry = JSON.parse(body) as AuditLogEntry;
    await rateLimiter.turn();
    try {
      await workos.createAuditEvent(entry);
      return { delivered: true };
    } catch (error) {
      if (!(error instanceof WorkosFailure)) return failed('no answer');
      const { workosStatus: status } = error;
      const heldMs = heldOffMs(error);
      if (heldMs !== undefined) {
        const failure = status === undefined ? 'WorkOS wants fewer requests' : `answered ${status}`;
        return { ...failed(failure), heldMs };
      }
      if (status === undefined) return failed('no answer');
      // The organization is gone, or its deletion has not arrived here yet: then the next attempt knows.
      if (status === 404 && (await isDeleted(entry.organizationId)))
        return { delivered: false, dropped: true, failure: 'WorkOS has deleted the organization' };
      return failed(`answered ${status}`, FINAL.includes(status));
    }
  };
}

function failed(failure: string, final = false): Extract<Sent, { final: boolean }> {
  return { delivered: false, failure, final };
}
