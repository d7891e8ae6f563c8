import type { CookieOptions, Request, Response } from 'express';

/** Browsers drop a cookie of more than 4,096 bytes, name and attributes included. */
const PART_BYTES = 3_800;
/** As many as are read. */
const MAX_PARTS = 8;
/** The API reads the cookie too. */
const EVERYWHERE = '/';
const MAX_AGE_MS = 400 * 86_400_000;
const LOOPBACK = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/;

export type SessionCookieWriter = ReturnType<typeof makeSessionCookieWriter>;

/**
 * Writes the sealed session as AuthKit's libraries do: whole, or in parts (`name.0`, `name.1`, …) if a browser would drop
 * it, and removes what an earlier form left behind.
 */
export function makeSessionCookieWriter(name: string) {
  function clearOthers(req: Request, res: Response, kept: ReadonlySet<string>): void {
    const own = [name, ...Array.from({ length: MAX_PARTS }, (_, i) => `${name}.${i}`)];
    const sent = req.headers.cookie ?? '';
    for (const each of own) if (!kept.has(each) && sent.includes(`${each}=`)) res.clearCookie(each, optionsFor(req));
  }

  return {
    write(req: Request, res: Response, sealed: string): void {
      const parts = partsOf(sealed);
      const names = parts.length === 1 ? [name] : parts.map((_, i) => `${name}.${i}`);
      clearOthers(req, res, new Set(names));
      for (const [i, part] of parts.entries()) res.cookie(names[i]!, part, { ...optionsFor(req), maxAge: MAX_AGE_MS });
    },
    clear: (req: Request, res: Response): void => clearOthers(req, res, new Set()),
  };
}

/** Whether a cookie of this request's host must be marked `Secure`. Loopback without TLS is for trying out. */
export function isSecure(req: Request): boolean {
  return req.protocol === 'https' || !LOOPBACK.test(req.get('host') ?? '');
}

function optionsFor(req: Request): CookieOptions {
  return { httpOnly: true, sameSite: 'lax', secure: isSecure(req), path: EVERYWHERE };
}

function partsOf(sealed: string): string[] {
  const parts = [];
  for (let at = 0; at < sealed.length; at += PART_BYTES) parts.push(sealed.slice(at, at + PART_BYTES));
  if (parts.length > MAX_PARTS) throw new Error(`a sealed session of ${sealed.length} bytes fits no cookies`);
  return parts;
}
