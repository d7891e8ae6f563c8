import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { WorkosRole } from '../workos/entities.ts';

type Granted = { role: string; permissions: readonly string[] };

/** The most that browsers keep of one cookie, its name included (RFC 6265, section 6.1). */
export const MAX_COOKIE_BYTES = 4_096;
/** base64url in the access token, and again in the seal around it. */
const SEALED_PER_BYTE = 16 / 9;
/** A sealed session whose role grants nothing, as the SDK makes it of a person with a name and no metadata. */
const BASE_BYTES = 2_000;
const MAX_NOTED = 1_000;
const AGAIN_MS = 24 * 60 * 60_000;

/** What a role adds to a sealed session: the access token names it twice, and every permission. */
export function sealedBytesOf({ role, permissions }: Granted): number {
  return Math.ceil(Buffer.byteLength(JSON.stringify({ role, roles: [role], permissions })) * SEALED_PER_BYTE);
}

/** About how large the session cookie of somebody with this role is, in bytes. */
export const sessionCookieBytes = (granted: Granted): number => BASE_BYTES + sealedBytesOf(granted);

/** Warns of scopes of which no role can have all and be signed in by a cookie. */
export function warnOfScopes(log: Pick<Logger, 'warn'>, scopes: readonly string[]): void {
  const bytes = sessionCookieBytes({ role: 'owner', permissions: scopes });
  if (bytes <= MAX_COOKIE_BYTES) return;
  log.warn(
    { scopes: scopes.length, cookie_bytes: bytes, cookie_limit: MAX_COOKIE_BYTES },
    'a role with every scope does not fit a session cookie; give roles fewer, or send access tokens',
  );
}

/** Warns of roles whose people cannot sign in by a cookie, which browsers drop when it is too large; once a day each. */
export function makeNoteLargeRole(log: Pick<Logger, 'warn'>) {
  const noted = new LRUCache<string, true>({ max: MAX_NOTED, ttl: AGAIN_MS });
  return function noteLargeRole({ slug, organizationId, permissions = [] }: WorkosRole): void {
    const bytes = sessionCookieBytes({ role: slug, permissions });
    const name = `${organizationId ?? ''} ${slug}`;
    if (bytes <= MAX_COOKIE_BYTES) noted.delete(name);
    if (bytes <= MAX_COOKIE_BYTES || noted.has(name)) return;
    noted.set(name, true);
    const role = { role: slug, organization_id: organizationId, permissions: permissions.length };
    log.warn(
      { ...role, cookie_bytes: bytes, cookie_limit: MAX_COOKIE_BYTES },
      'a role does not fit a session cookie; give it fewer permissions, or send access tokens',
    );
  };
}
