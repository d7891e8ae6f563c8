import type { Request } from 'express';

/** Where a request came from. */
export type CallerOrigin = { ip: string | undefined; userAgent: string | undefined };

const MAX_USER_AGENT = 256;

export function originOf(req: Request): CallerOrigin {
  return { ip: req.ip, userAgent: req.get('user-agent')?.slice(0, MAX_USER_AGENT) };
}
