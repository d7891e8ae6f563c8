import { isRefusedData } from '../background/describe-failure.ts';
import type { Items } from '../background/items.ts';
import type { UserCaller } from '../http/caller.ts';
import type { SessionRepository, SessionUse } from './session-repository.ts';

type Activity = { userId: string; organizationId: string; lastActiveMs: number; writtenMs: number };
type Deps = {
  sessions: Pick<SessionRepository, 'recordUses'>;
  items: Pick<Items, 'each' | 'due'>;
  /** How long a use may wait to be written, in milliseconds. A crash loses the uses that wait. */
  lagMs: number;
  maxSessions?: number;
};

export type SessionActivity = ReturnType<typeof makeSessionActivity>;

const MAX_SESSIONS = 100_000;
const BATCH = 1_000;
/** Between two reads of the uses that were set aside. */
const SET_ASIDE_MS = 60_000;

/** Gathers uses of sessions in memory. The first use after a while is written soon, others within `lagMs`. */
export function makeSessionActivity({ sessions, items, lagMs, maxSessions = MAX_SESSIONS }: Deps) {
  const active = new Map<string, Activity>();
  let nextReadMs = performance.now() + SET_ASIDE_MS;

  async function write(due: readonly [string, Activity][]): Promise<void> {
    const uses = due.map(([sessionId, { userId, organizationId, lastActiveMs }]) => ({
      sessionId,
      userId,
      organizationId,
      lastActiveAt: new Date(lastActiveMs),
    }));
    await recordAll({ sessions, items }, uses);
    // A use during the write is later than what was written.
    for (const [i, [, activity]] of due.entries()) activity.writtenMs = uses[i]!.lastActiveAt.getTime();
  }

  /** @param nowMs writes the uses that have waited for `lagMs` by then; all of them if it is infinite */
  async function flush(nowMs: number): Promise<void> {
    const due = [...active].filter(([, one]) => one.lastActiveMs > one.writtenMs && nowMs - one.writtenMs >= lagMs);
    for (let i = 0; i < due.length; i += BATCH) await write(due.slice(i, i + BATCH));
    for (const [sessionId, one] of active)
      if (one.lastActiveMs <= one.writtenMs && nowMs - one.writtenMs >= lagMs) active.delete(sessionId);
  }

  return {
    /** Returns the last use on this replica, if it is recent. */
    lastMs: (sessionId: string): number | undefined => active.get(sessionId)?.lastActiveMs,

    /** Records a use. Waits for the database only when memory holds `maxSessions` already. */
    async recordUse({ sessionId, userId, organizationId }: Owned, nowMs: number): Promise<void> {
      const known = active.get(sessionId);
      if (known) {
        known.lastActiveMs = Math.max(known.lastActiveMs, nowMs);
        known.organizationId = organizationId;
        return;
      }
      const activity = { userId, organizationId, lastActiveMs: nowMs, writtenMs: 0 };
      if (active.size < maxSessions) active.set(sessionId, activity);
      else await write([[sessionId, activity]]);
    },

    flush,

    /** Writes the uses that were set aside and are due; reads them once a minute. */
    async flushSetAside(): Promise<void> {
      if (performance.now() < nextReadMs) return;
      nextReadMs = performance.now() + SET_ASIDE_MS;
      const due = await items.due(BATCH);
      await recordEach(
        { sessions, items },
        due.map(({ payload }) => readUse(payload)),
      );
    },
  };
}

type Owned = Pick<UserCaller, 'sessionId' | 'userId' | 'organizationId'>;
type Recording = Pick<Deps, 'sessions' | 'items'>;

/** Writes all uses in one statement; if the database refuses it, writes each and sets aside the bad ones. */
async function recordAll(deps: Recording, uses: readonly SessionUse[]): Promise<void> {
  try {
    await deps.sessions.recordUses(uses);
  } catch (error) {
    if (!isRefusedData(error)) throw error;
    await recordEach(deps, uses);
  }
}

function recordEach({ sessions, items }: Recording, uses: readonly SessionUse[]): Promise<void> {
  return items.each(uses, {
    name: (use) => ({ id: use.sessionId, organizationId: use.organizationId, payload: use }),
    work: (use) => sessions.recordUses([use]),
  });
}

/** Only this file writes the payload. */
function readUse(payload: object): SessionUse {
  const use = payload as Omit<SessionUse, 'lastActiveAt'> & { lastActiveAt: string };
  return { ...use, lastActiveAt: new Date(use.lastActiveAt) };
}
