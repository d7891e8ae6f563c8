import type { Request, Response } from 'express';

/** Names the page's origin as one that may read the answer. Returns whether it may. */
export function allowOrigin(origins: readonly string[], req: Request, res: Response): boolean {
  const origin = req.get('origin');
  if (origins.length > 0) res.vary('origin');
  if (origin === undefined || !origins.includes(origin)) return false;
  res.setHeader('access-control-allow-origin', origin);
  return true;
}
