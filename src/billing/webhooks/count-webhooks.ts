import type { Metrics } from '../../telemetry/metrics.ts';
import type { Provider } from './provider.ts';
import { UNREAD } from './webhook.ts';
import type { Webhook, WebhookOutcome } from './webhook.ts';

type Deps = { counter: Metrics['incomingWebhooks']; providers: readonly Pick<Provider, 'eventTypes'>[] };

/** `repeated`: it was received before, and nothing was done. `failed`: it was not recorded, and comes again. */
export type CountedOutcome = WebhookOutcome | 'repeated' | 'failed';
export type CountWebhook = (webhook: Pick<Webhook, 'source' | 'type'>, outcome: CountedOutcome) => void;

/** Counts webhooks. Senders may invent types, so every type that no provider names is counted as `other`. */
export function makeCountWebhook({ counter, providers }: Deps): CountWebhook {
  const known = new Set(providers.flatMap(({ eventTypes }) => eventTypes));
  return ({ source, type }, outcome) => {
    const label = known.has(type) ? type : 'other';
    counter.inc({ source, type: outcome === 'refused' ? UNREAD : label, outcome });
  };
}
