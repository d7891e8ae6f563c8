import { useConsole } from '../data/console.ts';
import { useQueryString } from '../data/location.ts';
import { Button } from '../parts/controls/button.tsx';
import { SelectField, TextField } from '../parts/controls/field.tsx';
import { ErrorBox } from '../parts/shown/error-box.tsx';
import { SearchIcon, SendIcon } from '../parts/shown/icons.tsx';
import { Loading } from '../parts/shown/loading.tsx';
import { Title } from '../parts/title.tsx';
import records from '../records/records.module.css';
import { deliveryStatusName, spaced } from '../words/names.ts';
import { usePageText } from '../words/page-text.ts';
import { STATUSES, TYPES, readDeliveriesQuery, useDeliveries } from './deliveries-query.ts';
import { DeliveryEntry } from './delivery-entry.tsx';
import css from './webhooks-screen.module.css';

/** The webhooks about the organization, newest first; what is looked for is in the address. */
export function WebhooksScreen() {
  const { w } = usePageText();
  const { product } = useConsole();
  const { query } = useQueryString();
  const found = useDeliveries(readDeliveriesQuery(query));
  const deliveries = found.data?.pages.flatMap(({ data }) => data) ?? [];
  return (
    <>
      <Title text={w.webhooks} />
      <header>
        <h1>{w.webhooks}</h1>
        <p class={css.help}>{w.webhooksHelp(product.name)}</p>
      </header>
      <Filters />
      {found.error && <ErrorBox error={found.error} onRetry={() => void found.refetch()} />}
      {found.isPending && <Loading rows={6} />}
      {found.data && deliveries.length === 0 && <NoDeliveries />}
      {deliveries.length > 0 && (
        <div class={records.frame} aria-busy={found.isFetching}>
          {deliveries.map((delivery) => (
            <DeliveryEntry key={delivery.id} delivery={delivery} />
          ))}
        </div>
      )}
      {found.hasNextPage && (
        <div class={records.end}>
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
  const date = (name: string, label: string) => (
    <TextField label={label} type="date" value={query[name] ?? ''} onValue={(value) => set({ [name]: value })} />
  );
  return (
    <search class={records.filters}>
      <SelectField
        label={w.status}
        value={query['status'] ?? ''}
        onValue={(status) => set({ status })}
        options={[
          { value: '', text: w.anyStatus },
          ...STATUSES.map((value) => ({ value, text: deliveryStatusName(value, w) })),
        ]}
      />
      <SelectField
        label={w.event}
        value={query['type'] ?? ''}
        onValue={(type) => set({ type })}
        options={[{ value: '', text: w.anyAction }, ...TYPES.map((value) => ({ value, text: spaced(value) }))]}
      />
      {date('from', w.from)}
      {date('to', w.until)}
    </search>
  );
}

const NO_FILTERS = { status: undefined, type: undefined, from: undefined, to: undefined };

function NoDeliveries() {
  const { w } = usePageText();
  const { query, set } = useQueryString();
  const isFiltered = Object.keys(NO_FILTERS).some((name) => query[name]);
  return (
    <div class={records.empty}>
      <span class={css.mark}>{isFiltered ? <SearchIcon size={20} /> : <SendIcon size={20} />}</span>
      <h2>{isFiltered ? w.nothingFound : w.noDeliveries}</h2>
      <p>{isFiltered ? w.noDeliveriesFound : w.noDeliveriesHelp}</p>
      {isFiltered && <Button onClick={() => set(NO_FILTERS)}>{w.clearFilters}</Button>}
    </div>
  );
}
