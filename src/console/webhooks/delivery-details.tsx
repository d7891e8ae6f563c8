import { useEffect, useState } from 'preact/hooks';
import type { WebhookDelivery, WebhookDeliveryDetails } from '../../client/client.ts';
import { useConsole } from '../data/console.ts';
import { useAnnounce } from '../parts/announce.tsx';
import { Button } from '../parts/controls/button.tsx';
import { Facts } from '../parts/shown/card.tsx';
import { ErrorBox } from '../parts/shown/error-box.tsx';
import { Loading } from '../parts/shown/loading.tsx';
import records from '../records/records.module.css';
import { obstacleText } from '../words/obstacles.ts';
import { usePageText } from '../words/page-text.ts';
import { attemptText } from './attempt-text.ts';
import { useDelivery, useReplay } from './deliveries-query.ts';
import css from './webhooks-screen.module.css';

/** What is known of a delivery, its attempts, and the button that has it delivered again. */
export function DeliveryDetails({ delivery }: { delivery: WebhookDelivery }) {
  const { w, f } = usePageText();
  const [isReplayed, setReplayed] = useState(false);
  const { data, error, refetch } = useDelivery(delivery.id, isReplayed);
  const { endpoint, created_at: at, ended_at: endedAt, next_attempt_at: next } = delivery;
  return (
    <div class={records.more}>
      <Facts
        of={[
          [w.event, <code key="type">{delivery.type}</code>],
          [w.endpoint, [endpoint.name, endpoint.origin].filter(Boolean).join(' · ')],
          [w.deliveryId, <code key="id">{delivery.id}</code>],
          [w.written, f.exactly(at)],
          [w.ended, endedAt === null ? undefined : f.exactly(endedAt)],
          [w.nextAttempt, next === null ? undefined : f.exactly(next)],
          [w.result, delivery.last_error === 'endpoint_removed' ? w.endpointRemoved : undefined],
        ]}
      />
      {error && <ErrorBox error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Loading rows={1} />}
      {data && <Attempts of={data} />}
      <Replay delivery={delivery} isReplayed={isReplayed} onReplayed={() => setReplayed(true)} />
    </div>
  );
}

function Attempts({ of: { recent_attempts: attempts } }: { of: WebhookDeliveryDetails }) {
  const { w, f } = usePageText();
  if (attempts.length === 0) return <p class={records.quiet}>{w.notAttempted}</p>;
  return (
    <table class={css.attempts}>
      <caption>{w.lastAttempts}</caption>
      <thead>
        <tr>
          <th scope="col">{w.time}</th>
          <th scope="col">{w.result}</th>
        </tr>
      </thead>
      <tbody>
        {attempts.map((attempt) => (
          <tr key={attempt.at}>
            <td>{f.exactly(attempt.at)}</td>
            <td class={attempt.error === null ? css.good : css.bad}>{attemptText(attempt, w)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

type ReplayProps = { delivery: WebhookDelivery; isReplayed: boolean; onReplayed: () => void };

function Replay({ delivery, isReplayed, onReplayed }: ReplayProps) {
  const { w } = usePageText();
  const facts = useConsole();
  const replay = useReplay(delivery);
  const result = useResult(delivery, isReplayed);
  const isUnderWay = delivery.status === 'pending' || delivery.status === 'retrying';
  return (
    <div class={css.replay}>
      {replay.error && <ErrorBox error={replay.error} />}
      <Button
        isBusy={replay.isPending}
        title={w.deliverAgainHelp}
        obstacle={obstacleText(facts.may.replay, facts, w) ?? (isUnderWay ? w.underWay : undefined)}
        onClick={() => replay.mutate(undefined, { onSuccess: onReplayed })}
      >
        {w.deliverAgain}
      </Button>
      <span class={records.quiet}>{result ?? w.deliverAgainHelp}</span>
    </div>
  );
}

/** What came of a replay, which is also read out. */
function useResult({ status }: WebhookDelivery, isReplayed: boolean): string | undefined {
  const { w } = usePageText();
  const announce = useAnnounce();
  const texts = {
    pending: w.deliversAgain,
    retrying: w.failedAgain,
    delivered: w.deliveredAgain,
    failed: w.deliveryFailed,
  };
  const result = isReplayed ? texts[status] : undefined;
  useEffect(() => {
    if (result !== undefined) announce(result);
  }, [result, announce]);
  return result;
}
