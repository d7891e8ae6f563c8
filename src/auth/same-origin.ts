import type { Request } from 'express';
import { AppError } from '../errors.ts';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * A browser sends the session cookie by itself, also for a form on somebody else's page; what changes anything must
 * come from our own pages. Browsers say so in `Sec-Fetch-Site` or `Origin`; a request that says nothing is refused.
 * @throws AppError `permission_denied`
 */
export function assertSameOrigin(req: Request): void {
  if (SAFE_METHODS.has(req.method)) return;
  const site = req.get('sec-fetch-site');
  if (site !== undefined ? site === 'same-origin' : isOwnOrigin(req)) return;
  throw new AppError('permission_denied', 'With a session cookie, this must come from a page of the same origin.');
}

function isOwnOrigin(req: Request): boolean {
  const origin = req.get('origin');
  return origin !== undefined && origin === `${req.protocol}://${req.get('host') ?? ''}`;
}
