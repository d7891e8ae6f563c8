import { WorkosFailure, heldOffMs } from '../../workos/failure.ts';
import type { AuditLogEntry, WorkosGateway } from '../../workos/gateway.ts';
import type { Send } from '../deliver.ts';

type Deps = {
  workos: Pick<WorkosGateway, 'createAuditEvent'>;
  /** What requests ask of WorkOS goes first: this is what is left to others. */
  rateLimiter: { turn: () => Promise<void> };
};

/** WorkOS will say the same again: it does not know the organization, or the event is of no schema set up there. */
const FINAL = [400, 404, 422];

/** Sends audit events to WorkOS Audit Logs; one that was sent before is known there by its id, for a day at least. */
export function makeForwardToWorkos({ workos, rateLimiter }: Deps): Send {
  return async ({ body }) => {
    await rateLimiter.turn();
    try {
      await workos.createAuditEvent(JSON.parse(body) as AuditLogEntry);
      return { delivered: true };
    } catch (error) {
      if (!(error instanceof WorkosFailure)) return failed('no answer');
      const { workosStatus: status } = error;
      const heldMs = heldOffMs(error);
      if (heldMs !== undefined) {
        const failure = status === undefined ? 'WorkOS wants fewer requests' : `answered ${status}`;
        return { ...failed(failure), heldMs };
      }
      return status === undefined ? failed('no answer') : failed(`answered ${status}`, FINAL.includes(status));
    }
  };
}

function failed(failure: string, final = false) {
  return { delivered: false as const, failure, final };
}
