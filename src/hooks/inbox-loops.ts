import type { Clock } from '../clock.ts';
import type { KeptHooks } from './kept-hooks.ts';
import type { ReplayHook } from './replay-hook.ts';

type Deps = {
  keptHooks: Pick<KeptHooks, 'listWaiting' | 'sweep'>;
  replayHook: ReplayHook;
  retentionDays: number;
  clock: Clock;
};

const DAY_MS = 24 * 60 * 60 * 1_000;
const BATCH = 500;

/** What is done with the inbox when nobody asks. */
export function makeInboxSteps({ keptHooks, replayHook, retentionDays, clock }: Deps) {
  return {
    /** Applies hooks whose organization was not known when they came. */
    async applyWaiting(signal: AbortSignal): Promise<void> {
      for (const id of await keptHooks.listWaiting(BATCH)) {
        if (signal.aborted) return;
        await replayHook(id);
      }
    },

    async sweep(signal: AbortSignal): Promise<void> {
      const before = new Date(clock().getTime() - retentionDays * DAY_MS);
      while (!signal.aborted && (await keptHooks.sweep(before, BATCH)) === BATCH);
    },
  };
}
