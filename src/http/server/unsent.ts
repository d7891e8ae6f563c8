import type { ServerResponse } from 'node:http';

/** Calls `then` once where an answer, not yet written, does not leave: its client has gone, or goes before it is sent. */
export function ifUnsent(res: ServerResponse, then: () => void): void {
  if (res.destroyed) {
    then();
    return;
  }
  res.once('close', () => {
    if (!res.writableFinished) then();
  });
}
