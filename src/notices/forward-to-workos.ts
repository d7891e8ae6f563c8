import { WorkosFailure } from '../workos/failure.ts';
import type { AuditLogEntry, WorkosGateway } from '../workos/gateway.ts';
import type { Send, Sent } from './deliver.ts';

type Deps = {
  workos: Pick<WorkosGateway, 'createAuditEvent'>;
  /** What requests ask of WorkOS goes first: this is what is left to others. */
  pace: { turn: () => Promise<void>; holdOff: (milliseconds: number) => void; heldMs: () => number };
};

/** WorkOS will say the same again: it does not know the organization, or the event is of no schema set up there. */
const FINAL = [400, 404, 422];

/** Sends audit events to WorkOS Audit Logs; one that was sent before is known there by its id, for a day at least. */
export function makeForwardToWorkos({ workos, pace }: Deps): Send {
  return async ({ body }) => {
    await pace.turn();
    if (pace.heldMs() > 0) return failed('WorkOS wants fewer requests');
    try {
      await workos.createAuditEvent(JSON.parse(body) as AuditLogEntry);
      return { delivered: true };
    } catch (error) {
      if (!(error instanceof WorkosFailure)) return failed('no answer');
      if (error.saidRetryAfter !== undefined) pace.holdOff(error.saidRetryAfter * 1_000);
      const { workosStatus: status } = error;
      return status === undefined ? failed('no answer') : failed(`answered ${status}`, FINAL.includes(status));
    }
  };
}

function failed(failure: string, final = false): Sent {
  return { delivered: false, failure, final };
}
