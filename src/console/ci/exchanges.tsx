import type { AuditEvent, CiPolicy } from '../../client/client.ts';
import { Badge } from '../parts/shown/badge.tsx';
import type { Tone } from '../parts/shown/badge.tsx';
import { ErrorBox } from '../parts/shown/error-box.tsx';
import { Loading } from '../parts/shown/loading.tsx';
import records from '../records/records.module.css';
import { spaced } from '../words/names.ts';
import { usePageText } from '../words/page-text.ts';
import type { PageWords } from '../words/words.ts';
import css from './ci-screen.module.css';
import { jobText } from './job-text.ts';
import { Mismatch } from './mismatch.tsx';
import { useExchanges } from './policies-query.ts';

type Details = {
  reason?: string;
  attempts?: number;
  key_id?: string;
  claims?: Record<string, string>;
  mismatch?: { claim: string; value: string | null }[];
};

const LOOKS: Readonly<Record<string, readonly [Tone, keyof PageWords]>> = {
  'ci.exchanged': ['good', 'exchanged'],
  'ci.refused': ['bad', 'refused'],
  'ci.replayed': ['warn', 'replayed'],
  'ci.revoked': ['plain', 'endedEarly'],
};

/** What happened under a policy, newest first, as the audit log has it. */
export function Exchanges({ policy }: { policy: CiPolicy }) {
  const { w } = usePageText();
  const { data, error, refetch } = useExchanges(policy);
  return (
    <section class={css.exchanges}>
      <header class={records.head}>
        <h2>{w.recentExchanges}</h2>
        <a href={`/console/audit?target_id=${encodeURIComponent(policy.id)}`}>{w.showInAudit}</a>
      </header>
      {error && <ErrorBox error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Loading rows={2} />}
      {data?.length === 0 && <p class={records.quiet}>{w.noExchanges}</p>}
      {data && data.length > 0 && (
        <ul>
          {data.map((event) => (
            <Exchange key={event.id} event={event} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Exchange({ event }: { event: AuditEvent }) {
  const { w, f } = usePageText();
  const { occurred_at: at, action } = event;
  const { reason, attempts, key_id: key, claims, mismatch = [] } = event.details as Details;
  const [tone, name] = LOOKS[action] ?? ['plain', undefined];
  const why = action === 'ci.refused' && reason !== undefined ? reasonText(reason, w) : undefined;
  return (
    <li>
      <Badge tone={tone}>{name === undefined ? spaced(action) : (w[name] as string)}</Badge>
      <span class={css.job}>
        {claims && <bdi>{jobText(claims)}</bdi>}
        {why !== undefined && <span>{why}</span>}
        {reason === 'conditions' && <Mismatch of={mismatch} />}
        {attempts !== undefined && <span>{w.attemptsOf(f.number(attempts))}</span>}
        {key !== undefined && <a href={`/console/keys/${encodeURIComponent(key)}`}>{key}</a>}
      </span>
      <time class={records.quiet} dateTime={at} title={f.exactly(at)}>
        {f.dateTime(at)}
      </time>
    </li>
  );
}

function reasonText(reason: string, w: PageWords): string {
  if (reason === 'pins') return w.reasonPins;
  if (reason === 'conditions') return w.reasonConditions;
  if (reason === 'disabled') return w.reasonDisabled;
  if (reason === 'issuer_not_allowed') return w.issuerGone;
  return reason.startsWith('credential_') ? w.reasonToken : spaced(reason);
}
