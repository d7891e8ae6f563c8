import type { ServerResponse } from 'node:http';

/** Calls `then` once, when the answer has been sent or the client has disconnected. */
export function whenClosed(res: ServerResponse, then: () => void): void {
  if (res.destroyed) then();
  else res.once('close', then);
}

/** Calls `then` once if the client disconnects before the answer, not yet written, is sent. */
export function ifUnsent(res: ServerResponse, then: () => void): void {
  if (res.destroyed) {
    then();
    return;
  }
  res.once('close', () => {
    if (!res.writableFinished) then();
  });
}
