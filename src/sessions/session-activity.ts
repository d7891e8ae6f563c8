import { isRefusedData } from '../background/describe-failure.ts';
import type { Items } from '../background/items.ts';
import type { UserCaller } from '../http/caller.ts';
import type { SessionRepository, SessionUse } from './session-repository.ts';

type Activity = { userId: string; organizationId: string; lastActiveMs: number; writtenMs: number };
type Deps = {
  sessions: Pick<SessionRepository, 'note'>;
  items: Pick<Items, 'each' | 'due'>;
  /** How long a use may wait to be written, in milliseconds: so much of it is lost with the process. */
  lagMs: number;
  maxSessions?: number;
};

export type SessionActivity = ReturnType<typeof makeSessionActivity>;

const MAX_SESSIONS = 100_000;
const BATCH = 1_000;
/** Between two looks for what was set aside. */
const LOOK_MS = 60_000;

/** When sessions were used, gathered in memory; the first use after a while is written soon, others within `lagMs`. */
export function makeSessionActivity({ sessions, items, lagMs, maxSessions = MAX_SESSIONS }: Deps) {
  const active = new Map<string, Activity>();
  let lookMs = performance.now() + LOOK_MS;

  async function write(due: readonly [string, Activity][]): Promise<void> {
    const uses = due.map(([sessionId, { userId, organizationId, lastActiveMs }]) => ({
      sessionId,
      userId,
      organizationId,
      lastActiveAt: new Date(lastActiveMs),
    }));
    await noteAll({ sessions, items }, uses);
    // A use that came in the meantime is later than what was written.
    for (const [i, [, activity]] of due.entries()) activity.writtenMs = uses[i]!.lastActiveAt.getTime();
  }

  /** @param nowMs uses that wait since `lagMs` before it are written; all of them if it is infinite */
  async function flush(nowMs: number): Promise<void> {
    const due = [...active].filter(([, one]) => one.lastActiveMs > one.writtenMs && nowMs - one.writtenMs >= lagMs);
    for (let i = 0; i < due.length; i += BATCH) await write(due.slice(i, i + BATCH));
    for (const [sessionId, one] of active)
      if (one.lastActiveMs <= one.writtenMs && nowMs - one.writtenMs >= lagMs) active.delete(sessionId);
  }

  return {
    /** When it was last used here, if that is not long ago. */
    lastMs: (sessionId: string): number | undefined => active.get(sessionId)?.lastActiveMs,

    /** Notes a use. Waits only when more sessions are in use than can be kept in mind. */
    async note({ sessionId, userId, organizationId }: Of, nowMs: number): Promise<void> {
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

    /** Writes once more what was set aside and is due; it is looked for once a while. */
    async flushSetAside(): Promise<void> {
      if (performance.now() < lookMs) return;
      lookMs = performance.now() + LOOK_MS;
      const due = await items.due(BATCH);
      await noteEach(
        { sessions, items },
        due.map(({ payload }) => readUse(payload)),
      );
    },
  };
}

type Of = Pick<UserCaller, 'sessionId' | 'userId' | 'organizationId'>;

type Noting = Pick<Deps, 'sessions' | 'items'>;

/** All together; what the database refuses is found one by one and set aside. */
async function noteAll(deps: Noting, uses: readonly SessionUse[]): Promise<void> {
  try {
    await deps.sessions.note(uses);
  } catch (error) {
    if (!isRefusedData(error)) throw error;
    await noteEach(deps, uses);
  }
}

function noteEach({ sessions, items }: Noting, uses: readonly SessionUse[]): Promise<void> {
  return items.each(uses, {
    name: (use) => ({ id: use.sessionId, organizationId: use.organizationId, payload: use }),
    work: (use) => sessions.note([use]),
  });
}

/** Written as JSON by this file alone. */
function readUse(payload: object): SessionUse {
  const use = payload as Omit<SessionUse, 'lastActiveAt'> & { lastActiveAt: string };
  return { ...use, lastActiveAt: new Date(use.lastActiveAt) };
}
