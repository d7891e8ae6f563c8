import { randomBytes } from 'node:crypto';
import type { RequestHandler, Response } from 'express';

export const REQUEST_ID_HEADER = 'x-request-id';

export function newRequestId(): string {
  return `req_${randomBytes(12).toString('hex')}`;
}

/** Names every request; ids are made here and never taken from the client, so that they cannot be forged in logs. */
export const assignRequestId: RequestHandler = (_req, res, next) => {
  res.setHeader(REQUEST_ID_HEADER, newRequestId());
  next();
};

export function requestIdOf(res: Response): string {
  return String(res.getHeader(REQUEST_ID_HEADER));
}
