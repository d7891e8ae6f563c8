import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';

const MAX_ISSUERS = 20;
const MAX_LENGTH = 200;
const AGAIN_MS = 60 * 60_000;

/**
 * Logs issuers that are refused: a custom domain that is not configured is otherwise a 401 for everybody without a
 * reason. Anybody can make one up, so each is logged once an hour, and only so many are.
 */
export function makeNoteRefusedIssuer(log: Pick<Logger, 'warn'>) {
  const noted = new LRUCache<string, true>({ max: MAX_ISSUERS, ttl: AGAIN_MS });
  return function noteRefusedIssuer(issuer: string): void {
    const iss = issuer.slice(0, MAX_LENGTH);
    if (noted.has(iss) || noted.size >= MAX_ISSUERS) return;
    noted.set(iss, true);
    log.warn({ iss }, 'token refused: its issuer is not accepted; if it is yours, add it to WORKOS_ISSUERS');
  };
}
