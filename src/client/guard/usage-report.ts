import { LatchkeyError } from '../latchkey-error.ts';
import type { ReportUsage, ReportedUse, VerdictCode } from '../shapes.ts';
import type { Now } from './steady-clock.ts';

/** The uses of one key that were decided from the cache since the last report. */
export type Tally = {
  id: string;
  organizationId: string;
  counts: Map<VerdictCode, number>;
  lastUsedAtMs: number;
  ip: string | undefined;
  userAgent: string | undefined;
  /** The scopes that valid uses required. */
  scopes: Set<string>;
};

/** The origin of the first of the requests that are reported together. */
type Origin = () => { ip: string | undefined; user_agent: string | undefined };

type Options = {
  send: (report: ReportUsage) => Promise<unknown>;
  now: Now;
  everyMs?: number;
  maxKeys?: number;
};

export type UsageReport = ReturnType<typeof makeUsageReport>;

const MAX_USES = 1_000;
const MAX_SCOPES = 100;

export function newTally(id: string, organizationId: string): Tally {
  return {
    id,
    organizationId,
    counts: new Map(),
    lastUsedAtMs: 0,
    ip: undefined,
    userAgent: undefined,
    scopes: new Set(),
  };
}

/**
 * Reports uses that were decided from the cache to Latchkey every few seconds, for at most `maxKeys` keys. Best effort: a
 * report that fails is lost, and so are the last seconds of a killed process.
 */
export function makeUsageReport({ send, now, everyMs = 5_000, maxKeys = 20_000 }: Options) {
  let used = new Set<Tally>();
  let sending: Promise<void> | undefined;
  const timer = setInterval(() => void flush(), everyMs).unref();

  function flush(): Promise<void> {
    sending ??= sendAll().finally(() => (sending = undefined));
    return sending;
  }

  async function sendAll(): Promise<void> {
    const uses = [...used].flatMap(take);
    used = new Set();
    for (let i = 0; i < uses.length; i += MAX_USES) {
      // Best effort: no request waits for it or fails with it.
      await sendSome(uses.slice(i, i + MAX_USES)).catch(() => undefined);
    }
  }

  /** An older service rejects the field `scopes`, and counts the uses without it. */
  async function sendSome(some: readonly ReportedUse[]): Promise<unknown> {
    return send({ uses: some }).catch((error: unknown) => {
      if (!(error instanceof LatchkeyError) || error.code !== 'validation_error') throw error;
      return send({ uses: some.map((use) => ({ ...use, scopes: undefined })) });
    });
  }

  return {
    note(tally: Tally, code: VerdictCode, origin: Origin, scopes: readonly string[] = []): void {
      if (tally.counts.size === 0) {
        if (used.size >= maxKeys) return;
        used.add(tally);
        ({ ip: tally.ip, user_agent: tally.userAgent } = origin());
      }
      tally.counts.set(code, (tally.counts.get(code) ?? 0) + 1);
      if (code === 'valid') for (const scope of scopes) tally.scopes.add(scope);
      tally.lastUsedAtMs = now();
    },

    flush,

    /** Sends the last report. */
    async close(): Promise<void> {
      clearInterval(timer);
      await sending;
      await flush();
    },
  };
}

function take({ id, organizationId, counts, lastUsedAtMs, ip, userAgent, scopes }: Tally): ReportedUse[] {
  const uses = [...counts].map(([code, count]) => ({
    id,
    organization_id: organizationId,
    code,
    count,
    last_used_at: new Date(lastUsedAtMs).toISOString(),
    ip,
    user_agent: userAgent,
    ...(code === 'valid' && scopes.size > 0 && { scopes: [...scopes].slice(0, MAX_SCOPES) }),
  }));
  scopes.clear();
  counts.clear();
  return uses;
}
