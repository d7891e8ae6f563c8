import type { OrganizationUsage } from '../../client/client.ts';
import { useQueryString } from '../data/location.ts';
import { useKey, useOrganizationUsage } from '../data/queries.ts';
import { Card } from '../parts/shown/card.tsx';
import { ErrorBox } from '../parts/shown/error-box.tsx';
import { Loading } from '../parts/shown/loading.tsx';
import { Time } from '../parts/shown/time.tsx';
import { Title } from '../parts/title.tsx';
import { Ranges, readRange } from '../plot/ranges.tsx';
import { refusedOf } from '../plot/series.ts';
import { UsagePlot } from '../plot/usage-plot.tsx';
import { usePageText } from '../words/page-text.ts';
import css from './usage-screen.module.css';

/** How the organization's keys are used, by outcome and time. */
export function UsageScreen() {
  const { w } = usePageText();
  const { query } = useQueryString();
  const { data, error, refetch } = useOrganizationUsage(readRange(query));
  return (
    <>
      <Title text={w.usage} />
      <header class={css.head}>
        <h1>{w.usage}</h1>
        <Ranges />
      </header>
      {error && <ErrorBox error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Loading />}
      {data && <Numbers usage={data} />}
      {data && (
        <Card title={w.requests}>
          <UsagePlot usage={data} />
        </Card>
      )}
      {data && data.keys.length > 0 && (
        <Card title={w.busiestKeys}>
          <ol class={css.busiest}>
            {data.keys.map((key) => (
              <BusyKey key={key.id} {...key} />
            ))}
          </ol>
        </Card>
      )}
    </>
  );
}

function Numbers({ usage }: { usage: OrganizationUsage }) {
  const { w, f } = usePageText();
  const refused = refusedOf(usage);
  const numbers = [
    [w.requests, usage.total],
    [w.codeValid, usage.total - refused],
    [w.refused, refused],
  ] as const;
  return (
    <div class={css.numbers}>
      {numbers.map(([name, value]) => (
        <div key={name} class={css.number}>
          <span>{name}</span>
          <strong>{f.number(value)}</strong>
        </div>
      ))}
    </div>
  );
}

function BusyKey({ id, total, last_used_at: usedAt }: OrganizationUsage['keys'][number]) {
  const { w, f } = usePageText();
  const name = useKey(id).data?.label ?? id;
  return (
    <li>
      <a href={`/console/keys/${encodeURIComponent(id)}`} title={name}>
        <bdi>{name}</bdi>
      </a>
      <span class={css.total}>{w.requestCount(total, f.number(total))}</span>
      <span class={css.quiet}>{usedAt !== null && <Time at={usedAt} />}</span>
    </li>
  );
}
