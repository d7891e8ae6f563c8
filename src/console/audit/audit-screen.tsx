import { useQueryString } from '../data/location.ts';
import { useAuditEvents } from '../data/queries.ts';
import { Button, ButtonLink } from '../parts/controls/button.tsx';
import { SelectField, TextField } from '../parts/controls/field.tsx';
import { ErrorBox } from '../parts/shown/error-box.tsx';
import { Loading } from '../parts/shown/loading.tsx';
import { Title } from '../parts/title.tsx';
import { spaced } from '../words/names.ts';
import { usePageText } from '../words/page-text.ts';
import { AuditEntry } from './audit-entry.tsx';
import { ACTIONS, csvUrl, readAuditQuery } from './audit-query.ts';
import css from '../records/records.module.css';

/** Who did what, newest first; what is looked for is in the address. */
export function AuditScreen() {
  const { w } = usePageText();
  const { query } = useQueryString();
  const wanted = readAuditQuery(query);
  const found = useAuditEvents(wanted);
  const events = found.data?.pages.flatMap(({ data }) => data) ?? [];
  return (
    <>
      <Title text={w.auditLog} />
      <header class={css.head}>
        <h1>{w.auditLog}</h1>
        <ButtonLink href={csvUrl(wanted)} download>
          {w.downloadCsv}
        </ButtonLink>
      </header>
      <Filters />
      {found.error && <ErrorBox error={found.error} onRetry={() => void found.refetch()} />}
      {found.isPending && <Loading rows={6} />}
      {found.data && events.length === 0 && <NoEvents />}
      {events.length > 0 && (
        <div class={css.frame} aria-busy={found.isFetching}>
          {events.map((event) => (
            <AuditEntry key={event.id} event={event} />
          ))}
        </div>
      )}
      {found.hasNextPage && (
        <div class={css.end}>
          <Button isBusy={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
            {w.loadMore}
          </Button>
        </div>
      )}
    </>
  );
}

function Filters() {
  const { w } = usePageText();
  const { query, set } = useQueryString();
  const text = (name: string, label: string) => (
    <TextField label={label} value={query[name] ?? ''} onValue={(value) => set({ [name]: value.trim() })} isMono />
  );
  const date = (name: string, label: string) => (
    <TextField label={label} type="date" value={query[name] ?? ''} onValue={(value) => set({ [name]: value })} />
  );
  return (
    <search class={css.filters}>
      <SelectField
        label={w.action}
        value={query['action'] ?? ''}
        onValue={(action) => set({ action })}
        options={[{ value: '', text: w.anyAction }, ...ACTIONS.map((value) => ({ value, text: spaced(value) }))]}
      />
      {date('from', w.from)}
      {date('to', w.until)}
      {text('actor_id', w.actorId)}
      {text('target_id', w.targetId)}
    </search>
  );
}

function NoEvents() {
  const { w } = usePageText();
  const { set } = useQueryString();
  const none = { action: undefined, from: undefined, to: undefined, actor_id: undefined, target_id: undefined };
  return (
    <div class={css.empty}>
      <h2>{w.noEvents}</h2>
      <p>{w.noEventsHelp}</p>
      <Button onClick={() => set(none)}>{w.clearFilters}</Button>
    </div>
  );
}
