import { makeBoundedCache } from '../bounded-cache.ts';
import type { Logger } from 'pino';

const MAX_ISSUERS = 20;
const MAX_LENGTH = 200;
const LOG_AGAIN_MS = 60 * 60_000;

/**
 * Logs refused issuers, so that a custom domain missing from the configuration does not show as 401s alone. Clients can
 * make issuers up: each is logged once an hour, 20 at most.
 */
export function makeLogRefusedIssuer(log: Pick<Logger, 'warn'>) {
  const logged = makeBoundedCache<true>({ max: MAX_ISSUERS, ttl: LOG_AGAIN_MS });
  return function logRefusedIssuer(issuer: string): void {
    const iss = issuer.slice(0, MAX_LENGTH);
    if (logged.has(iss) || logged.size >= MAX_ISSUERS) return;
    logged.set(iss, true);
    log.warn({ iss }, 'token issuer refused; add it to WORKOS_ISSUERS if it is yours');
  };
}
