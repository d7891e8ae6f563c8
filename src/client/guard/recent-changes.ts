import type { Verdict } from '../shapes.ts';

/** An answer that took longer is not kept, so that a change needs to be remembered only so long. */
const MAX_ANSWER_MS = 30_000;
/** The service tells ages in whole milliseconds. */
const ROUNDING_MS = 1;
const MAX_CHANGES = 10_000;

type Options = {
  /** How long any replica may take to hear of a change, or to notice that it hears of none. */
  lagMs: number;
  /** The monotonic clock, in milliseconds. */
  now?: () => number;
};

/**
 * When what changed, for the last seconds. A verdict may come from another replica than the stream of changes and know
 * less than we were told: it is kept only if the mirror was read for it after the change was told here, or if every
 * replica has had its time to hear of it.
 */
export function makeRecentChanges({ lagMs, now = () => performance.now() }: Options) {
  const toldAt = new Map<string, number>();
  let allAt = -Infinity;

  const forgetSettled = (before: number) => {
    for (const [name, at] of toldAt) {
      if (at >= before) return;
      toldAt.delete(name);
    }
  };

  return {
    note(organizationId: string, keyId: string | undefined): void {
      const name = nameOf(organizationId, keyId);
      toldAt.delete(name);
      toldAt.set(name, now());
      forgetSettled(now() - MAX_ANSWER_MS - lagMs);
      if (toldAt.size > MAX_CHANGES) this.noteAll();
    },

    noteAll(): void {
      allAt = now();
      toldAt.clear();
    },

    /** Whether a verdict that was asked for at `askedAt` is no older than what was told since. */
    mayKeep({ organization_id, id, stale_ms }: Verdict, askedAt: number): boolean {
      if (organization_id === null || id === null || now() - askedAt > MAX_ANSWER_MS) return false;
      const changedAt = Math.max(
        allAt,
        toldAt.get(nameOf(organization_id)) ?? -Infinity,
        toldAt.get(nameOf(organization_id, id)) ?? -Infinity,
      );
      return askedAt - stale_ms - ROUNDING_MS > changedAt || askedAt - changedAt > lagMs;
    },
  };
}

function nameOf(organizationId: string, keyId?: string): string {
  return keyId === undefined ? organizationId : `${organizationId} ${keyId}`;
}
