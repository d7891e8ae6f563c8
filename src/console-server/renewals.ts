import { createHash } from 'node:crypto';
import { makeBoundedCache } from '../bounded-cache.ts';
import type { NewSession } from '../sessions/sign-in/sign-in.ts';

/** What a renewal asks for. */
type Wanted = { refreshToken: string; organizationId: string | undefined };

const MAX_RENEWALS = 10_000;
/** A tab that asked with the cookie from before gets the same session for so long. */
const REMEMBERED_MS = 10_000;

export type Renewals = ReturnType<typeof makeRenewals>;

/**
 * Gives the session of one renewal to every request with the same refresh token: it works once, and tabs of one browser
 * send it at the same time. A failure is not remembered.
 */
export function makeRenewals() {
  const remembered = makeBoundedCache<Promise<NewSession>>({ max: MAX_RENEWALS, ttl: REMEMBERED_MS });
  return {
    once(wanted: Wanted, renew: () => Promise<NewSession>): Promise<NewSession> {
      const name = nameOf(wanted);
      const known = remembered.get(name);
      if (known) return known;
      const begun = renew();
      remembered.set(name, begun);
      begun.catch(() => remembered.delete(name));
      return begun;
    },
    forget: (wanted: Wanted): void => void remembered.delete(nameOf(wanted)),
  };
}

function nameOf({ refreshToken, organizationId }: Wanted): string {
  return createHash('sha256')
    .update(`${organizationId ?? ''} ${refreshToken}`)
    .digest('base64url');
}
