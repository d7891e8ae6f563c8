import { LRUCache } from 'lru-cache';

/** A session that is not over, and when it was last used as far as is known. */
export type KnownSession = { lastActiveMs: number };
export type SessionMemory = ReturnType<typeof makeSessionMemory>;

const MAX_SESSIONS = 100_000;
/** A backstop: what is dropped is dropped by `invalidate`. */
const TTL_MS = 60_000;

/** The sessions that were seen lately; bounded in number. */
export function makeSessionMemory() {
  const sessions = new LRUCache<string, KnownSession>({ max: MAX_SESSIONS, ttl: TTL_MS });
  let generation = 0;
  return {
    get: (sessionId: string): KnownSession | undefined => sessions.get(sessionId),

    /** To be taken before a read, and shown with its result. */
    generation: (): number => generation,

    /** Keeps what was read, unless a session ended since `generation` was taken. */
    fill(sessionId: string, known: KnownSession, readUnder: number): void {
      if (readUnder === generation) sessions.set(sessionId, known);
    },

    invalidate({ sessionId }: { sessionId?: string | undefined }): void {
      if (sessionId === undefined) return;
      generation++;
      sessions.delete(sessionId);
    },

    clear(): void {
      generation++;
      sessions.clear();
    },
  };
}
