import type { Request } from 'express';
import { AppError } from '../errors.ts';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses unsafe requests from other origins: a browser sends the session cookie also for a form on a foreign page. A
 * request must show its origin in `Sec-Fetch-Site` or `Origin`.
 * @throws AppError `permission_denied`
 */
export function assertSameOrigin(req: Request): void {
  if (SAFE_METHODS.has(req.method)) return;
  const site = req.get('sec-fetch-site');
  if (site !== undefined ? site === 'same-origin' : isOwnOrigin(req)) return;
  throw new AppError(
    'permission_denied',
    'A change with a session cookie must come from a page of the same origin. Send an access token instead.',
  );
}

function isOwnOrigin(req: Request): boolean {
  const origin = req.get('origin');
  return origin !== undefined && origin === `${req.protocol}://${req.get('host') ?? ''}`;
}
