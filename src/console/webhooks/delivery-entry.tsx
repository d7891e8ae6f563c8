import { useState } from 'preact/hooks';
import type { WebhookDelivery } from '../../client/client.ts';
import { Badge } from '../parts/shown/badge.tsx';
import type { Tone } from '../parts/shown/badge.tsx';
import records from '../records/records.module.css';
import { deliveryStatusName, spaced } from '../words/names.ts';
import { usePageText } from '../words/page-text.ts';
import { DeliveryDetails } from './delivery-details.tsx';
import css from './webhooks-screen.module.css';

const TONES: Readonly<Record<WebhookDelivery['status'], Tone>> = {
  pending: 'info',
  retrying: 'warn',
  delivered: 'good',
  failed: 'bad',
};

/** One delivery in a line, with its attempts below it. */
export function DeliveryEntry({ delivery }: { delivery: WebhookDelivery }) {
  const { w, f } = usePageText();
  const [isOpen, setOpen] = useState(false);
  const { type, endpoint, status, attempts, created_at: at } = delivery;
  return (
    <details class={`${records.event} ${css.delivery}`} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <time class={records.quiet} dateTime={at} title={f.exactly(at)}>
          {f.dateTime(at)}
        </time>
        <span class={records.what}>{spaced(type)}</span>
        <span class={records.quiet}>
          <bdi>{endpoint.name}</bdi> · {w.attemptCount(attempts, f.number(attempts))}
        </span>
        <span class={css.status}>
          <Badge tone={TONES[status]}>{deliveryStatusName(status, w)}</Badge>
        </span>
      </summary>
      {isOpen && <DeliveryDetails delivery={delivery} />}
    </details>
  );
}
