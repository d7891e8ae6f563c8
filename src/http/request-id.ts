import { randomFillSync } from 'node:crypto';
import type { RequestHandler, Response } from 'express';

export const REQUEST_ID_HEADER = 'x-request-id';

const ID_BYTES = 12;
// One call for many: asking the system for twelve bytes costs as much as asking for some thousand.
const pool = Buffer.alloc(ID_BYTES * 512);
let used = pool.length;

export function newRequestId(): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += ID_BYTES;
  return `req_${pool.toString('hex', used - ID_BYTES, used)}`;
}

/** Names every request; ids are made here and never taken from the client, so that they cannot be forged in logs. */
export const assignRequestId: RequestHandler = (_req, res, next) => {
  res.setHeader(REQUEST_ID_HEADER, newRequestId());
  next();
};

export function requestIdOf(res: Response): string {
  return String(res.getHeader(REQUEST_ID_HEADER));
}
