import { WorkosFailure } from '../workos/failure.ts';
import type { AuditLogEntry, WorkosGateway } from '../workos/gateway.ts';
import type { Send } from './deliver.ts';

/** WorkOS will say the same again: it does not know the organization, or the event is of no schema set up there. */
const FINAL = [400, 404, 422];

/** Sends audit events to WorkOS Audit Logs; one that was sent before is known there by its id, for a day at least. */
export function makeForwardToWorkos({ createAuditEvent }: Pick<WorkosGateway, 'createAuditEvent'>): Send {
  return async ({ body }) => {
    try {
      await createAuditEvent(JSON.parse(body) as AuditLogEntry);
      return { delivered: true };
    } catch (error) {
      const status = error instanceof WorkosFailure ? error.workosStatus : undefined;
      const final = status !== undefined && FINAL.includes(status);
      return { delivered: false, failure: status === undefined ? 'no answer' : `answered ${status}`, final };
    }
  };
}
