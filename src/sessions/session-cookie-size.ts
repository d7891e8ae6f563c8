import { makeBoundedCache } from '../bounded-cache.ts';
import type { Logger } from 'pino';
import type { WorkosRole } from '../workos/entities.ts';

type Granted = { role: string; permissions: readonly string[] };

/** The most that browsers keep of one cookie, its name included (RFC 6265, section 6.1). */
export const MAX_COOKIE_BYTES = 4_096;
/** base64url in the access token, and again in the seal around it. */
const SEALED_PER_BYTE = 16 / 9;
/** The size of a sealed session without permissions, as the SDK makes it of a user with a name and no metadata. */
const BASE_BYTES = 2_000;
const MAX_WARNED = 1_000;
const AGAIN_MS = 24 * 60 * 60_000;

/** Returns what a role adds to a sealed session: the access token names the role twice, and every permission. */
export function sealedBytesOf({ role, permissions }: Granted): number {
  return Math.ceil(Buffer.byteLength(JSON.stringify({ role, roles: [role], permissions })) * SEALED_PER_BYTE);
}

/** Estimates the session cookie of a user with this role, in bytes. */
export const sessionCookieBytes = (granted: Granted): number => BASE_BYTES + sealedBytesOf(granted);

/** Warns at start when a role with every scope would not fit a session cookie. */
export function warnOfScopes(log: Pick<Logger, 'warn'>, scopes: readonly string[]): void {
  const bytes = sessionCookieBytes({ role: 'owner', permissions: scopes });
  if (bytes <= MAX_COOKIE_BYTES) return;
  log.warn(
    { scopes: scopes.length, cookie_bytes: bytes, cookie_limit: MAX_COOKIE_BYTES },
    'session cookie too large for a role with every scope; give roles fewer scopes, or send access tokens',
  );
}

/** Warns, once a day for each, of roles whose session cookie is so large that browsers drop it. */
export function makeWarnOfLargeRole(log: Pick<Logger, 'warn'>) {
  const warned = makeBoundedCache<true>({ max: MAX_WARNED, ttl: AGAIN_MS });
  return function warnOfLargeRole({ slug, organizationId, permissions = [] }: WorkosRole): void {
    const bytes = sessionCookieBytes({ role: slug, permissions });
    const name = `${organizationId ?? ''} ${slug}`;
    if (bytes <= MAX_COOKIE_BYTES) warned.delete(name);
    if (bytes <= MAX_COOKIE_BYTES || warned.has(name)) return;
    warned.set(name, true);
    const role = { role: slug, organization_id: organizationId, permissions: permissions.length };
    log.warn(
      { ...role, cookie_bytes: bytes, cookie_limit: MAX_COOKIE_BYTES },
      'session cookie too large for role; give the role fewer permissions, or send access tokens',
    );
  };
}
