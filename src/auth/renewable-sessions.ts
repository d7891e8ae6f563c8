import { createHmac, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';

export type RenewableSessions = ReturnType<typeof makeRenewableSessions>;

const MAX_TOKENS = 50_000;

/**
 * Which session a refresh token renews, of those that this process handed out; by an HMAC under a key of the process, so
 * that no token lies in memory. Bounded in number: of too many, the one handed out first is forgotten.
 */
export function makeRenewableSessions() {
  const key = randomBytes(32);
  const sessions = new LRUCache<string, string>({ max: MAX_TOKENS });
  const nameOf = (refreshToken: string) => createHmac('sha256', key).update(refreshToken).digest('base64url');
  return {
    find: (refreshToken: string): string | undefined => sessions.get(nameOf(refreshToken)),
    note: (refreshToken: string, sessionId: string): void => void sessions.set(nameOf(refreshToken), sessionId),
    forget: (refreshToken: string): void => void sessions.delete(nameOf(refreshToken)),
  };
}
