import { randomFillSync } from 'node:crypto';
import type { RequestHandler, Response } from 'express';

export const REQUEST_ID_HEADER = 'x-request-id';

const ID_BYTES = 12;
// Filled for 512 ids at a time: random bytes cost a system call, not a length.
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

/** Gives every request an id of our own; one from the client could be forged in logs. */
export const assignRequestId: RequestHandler = (_req, res, next) => {
  res.setHeader(REQUEST_ID_HEADER, newRequestId());
  next();
};

export function requestIdOf(res: Response): string {
  return String(res.getHeader(REQUEST_ID_HEADER));
}
