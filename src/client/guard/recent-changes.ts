import type { Verdict } from '../shapes.ts';

/** An answer that took longer is not cached, so changes need to be remembered only so long. */
const MAX_ANSWER_MS = 30_000;
/** The service reports ages in whole milliseconds. */
const ROUNDING_MS = 1;
const MAX_CHANGES = 10_000;

type Options = {
  /** How long a replica may take to learn of a change, or to notice that its connection is lost. */
  lagMs: number;
  /** The monotonic clock in milliseconds. */
  now?: () => number;
};

/**
 * Remembers the changes of the last seconds. A verdict may come from a replica that has not learned of a change yet: it is
 * cached only if its mirror was read after the change arrived here, or if every replica has had time to learn of it.
 */
export function makeRecentChanges({ lagMs, now = () => performance.now() }: Options) {
  const changedAt = new Map<string, number>();
  let allAt = -Infinity;

  const forgetSettled = (before: number) => {
    for (const [name, at] of changedAt) {
      if (at >= before) return;
      changedAt.delete(name);
    }
  };

  return {
    note(organizationId: string, keyId: string | undefined): void {
      const name = nameOf(organizationId, keyId);
      changedAt.delete(name);
      changedAt.set(name, now());
      forgetSettled(now() - MAX_ANSWER_MS - lagMs);
      if (changedAt.size > MAX_CHANGES) this.noteAll();
    },

    noteAll(): void {
      allAt = now();
      changedAt.clear();
    },

    /** Whether a verdict that was requested at `requestedAt` includes every change since. */
    mayCache({ organization_id, id, stale_ms }: Verdict, requestedAt: number): boolean {
      if (organization_id === null || id === null || now() - requestedAt > MAX_ANSWER_MS) return false;
      const lastChangeAt = Math.max(
        allAt,
        changedAt.get(nameOf(organization_id)) ?? -Infinity,
        changedAt.get(nameOf(organization_id, id)) ?? -Infinity,
      );
      return requestedAt - stale_ms - ROUNDING_MS > lastChangeAt || requestedAt - lastChangeAt > lagMs;
    },
  };
}

function nameOf(organizationId: string, keyId?: string): string {
  return keyId === undefined ? organizationId : `${organizationId} ${keyId}`;
}
