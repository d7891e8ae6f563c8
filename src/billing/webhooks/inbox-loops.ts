import type { Items } from '../../background/items.ts';
import type { Clock } from '../../clock.ts';
import type { RecordedWebhooks } from './due-webhooks.ts';
import type { ReplayWebhook } from './replay-webhook.ts';

type Deps = {
  recorded: Pick<RecordedWebhooks, 'listWaiting' | 'sweep'>;
  replayWebhook: ReplayWebhook;
  items: Pick<Items, 'each'>;
  retentionDays: number;
  clock: Clock;
};

const DAY_MS = 24 * 60 * 60 * 1_000;
const BATCH = 500;

/** The steps of the inbox's loops. */
export function makeInboxSteps({ recorded, replayWebhook, items, retentionDays, clock }: Deps) {
  return {
    /** Applies webhooks whose organization has become known; one that fails delays no other. */
    async applyWaiting(signal: AbortSignal): Promise<void> {
      await items.each(await recorded.listWaiting(clock(), BATCH), {
        name: ({ id, organizationId }) => ({ id, organizationId }),
        work: ({ id }) => replayWebhook(id),
        signal,
      });
    },

    async sweep(signal: AbortSignal): Promise<void> {
      const before = new Date(clock().getTime() - retentionDays * DAY_MS);
      while (!signal.aborted && (await recorded.sweep(before, BATCH)) === BATCH);
    },
  };
}
