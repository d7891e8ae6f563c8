import { WorkosFailure, heldOffMs } from '../../workos/failure.ts';
import type { AuditLogEntry, WorkosGateway } from '../../workos/gateway.ts';
import type { Send, Sent } from '../deliver.ts';

type Deps = {
  workos: Pick<WorkosGateway, 'createAuditEvent'>;
  /** Waits for its share of calls to WorkOS, after the requests of callers. */
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
      if (!(error instanceof WorkosFailure)) return unanswered('no answer');
      const { workosStatus: status } = error;
      const heldMs = heldOffMs(error);
      if (heldMs !== undefined) {
        const held = status === undefined ? unanswered('WorkOS wants fewer requests') : refused(status);
        return { ...held, heldMs };
      }
      if (status === undefined) return unanswered('no answer');
      // The organization is gone, or its deletion has not arrived here yet: then the next attempt knows.
      if (status === 404 && (await isDeleted(entry.organizationId)))
        return {
          delivered: false,
          dropped: true,
          failure: 'WorkOS has deleted the organization',
          error: 'http_error',
          status,
        };
      return { ...refused(status), final: FINAL.includes(status) };
    }
  };
}

type Failed = Extract<Sent, { final: boolean }>;

function refused(status: number): Failed {
  return { delivered: false, failure: `answered ${status}`, error: 'http_error', status, final: false };
}

function unanswered(failure: string): Failed {
  return { delivered: false, failure, error: 'connection_failed', final: false };
}
