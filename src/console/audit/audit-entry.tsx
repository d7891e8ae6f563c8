import { useState } from 'preact/hooks';
import type { AuditEvent } from '../../client/client.ts';
import { Facts } from '../parts/shown/card.tsx';
import { spaced } from '../words/names.ts';
import { usePageText } from '../words/page-text.ts';
import css from '../records/records.module.css';

/** One event in a line, with everything that was recorded below it. */
export function AuditEntry({ event }: { event: AuditEvent }) {
  const { f } = usePageText();
  const [isOpen, setOpen] = useState(false);
  return (
    <details class={css.event} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <time class={css.quiet} dateTime={event.occurred_at} title={f.exactly(event.occurred_at)}>
          {f.dateTime(event.occurred_at)}
        </time>
        <span class={css.what}>{spaced(event.action)}</span>
        <span title={event.actor.id}>
          <bdi>{event.actor.name ?? event.actor.id}</bdi>
        </span>
        <span class={css.quiet} title={event.target.id}>
          {event.target.id}
        </span>
      </summary>
      {isOpen && <More event={event} />}
    </details>
  );
}

function More({ event }: { event: AuditEvent }) {
  const { w, f } = usePageText();
  const { action, actor, target, ip, request_id: requestId, occurred_at: at, details } = event;
  const isKey = target.kind === 'api_key';
  return (
    <div class={css.more}>
      <Facts
        of={[
          [w.event, <code key="event">{action}</code>],
          [w.time, f.exactly(at)],
          [w.actor, [spaced(actor.kind), actor.name, actor.id].filter(Boolean).join(' · ')],
          [w.target, isKey ? <a href={`/console/keys/${encodeURIComponent(target.id)}`}>{target.id}</a> : target.id],
          [w.address, ip],
          [w.requestId, requestId === null ? undefined : <code>{requestId}</code>],
        ]}
      />
      {Object.keys(details).length > 0 && (
        <pre tabIndex={0}>
          <code>{JSON.stringify(details, undefined, 2)}</code>
        </pre>
      )}
    </div>
  );
}
