import type { Items } from '../../background/items.ts';
import type { Clock } from '../../clock.ts';
import type { KeptHooks } from './due-webhooks.ts';
import type { ReplayHook } from './replay-webhook.ts';

type Deps = {
  keptHooks: Pick<KeptHooks, 'listWaiting' | 'sweep'>;
  replayHook: ReplayHook;
  items: Pick<Items, 'each'>;
  retentionDays: number;
  clock: Clock;
};

const DAY_MS = 24 * 60 * 60 * 1_000;
const BATCH = 500;

/** What is done with the inbox when nobody asks. */
export function makeInboxSteps({ keptHooks, replayHook, items, retentionDays, clock }: Deps) {
  return {
    /** Applies hooks whose organization was not known when they came; one that fails holds up no other. */
    async applyWaiting(signal: AbortSignal): Promise<void> {
      await items.each(await keptHooks.listWaiting(clock(), BATCH), {
        name: ({ id, organizationId }) => ({ id, organizationId }),
        work: ({ id }) => replayHook(id),
        signal,
      });
    },

    async sweep(signal: AbortSignal): Promise<void> {
      const before = new Date(clock().getTime() - retentionDays * DAY_MS);
      while (!signal.aborted && (await keptHooks.sweep(before, BATCH)) === BATCH);
    },
  };
}
