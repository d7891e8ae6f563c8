import { useRoute } from 'preact-iso';
import type { ApiKey } from '../../client/client.ts';
import { useConsole } from '../data/console.ts';
import { useQueryString } from '../data/location.ts';
import { useKey, useKeyUsage } from '../data/queries.ts';
import { useKeyActions } from '../dialogs/key-actions.ts';
import { KeyExtrasContext } from '../keys/key-extras.ts';
import type { KeyExtras } from '../keys/key-extras.ts';
import { KeyMarks } from '../marks/key-marks.tsx';
import { LeakBanner } from '../marks/leak-banner.tsx';
import { Button } from '../parts/controls/button.tsx';
import { Badge } from '../parts/shown/badge.tsx';
import { Card } from '../parts/shown/card.tsx';
import { ErrorBox } from '../parts/shown/error-box.tsx';
import { KeyBadges } from '../parts/shown/key-facts.tsx';
import { Loading } from '../parts/shown/loading.tsx';
import { Title } from '../parts/title.tsx';
import { Ranges, readRange } from '../plot/ranges.tsx';
import { UsagePlot } from '../plot/usage-plot.tsx';
import { SuspensionBanner } from '../suspension/suspension-banner.tsx';
import { useSuspensionActions } from '../suspension/use-suspension-actions.ts';
import { usePageText } from '../words/page-text.ts';
import { KeyDetails } from './key-details.tsx';
import css from './key-screen.module.css';

const OF_PAGE: KeyExtras = { useActions: useSuspensionActions };

/** One key: what it is, what it may do, and how it is used. */
export function KeyScreen() {
  const { product } = useConsole();
  const id = useRoute().params['id'] ?? '';
  const { data, error, refetch } = useKey(id);
  return (
    <>
      <Title text={data?.label ?? product.console.section} />
      <a class={css.back} href="/console/keys">
        <span aria-hidden="true">←</span> {product.console.section}
      </a>
      {error && <ErrorBox error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Loading />}
      {data && (
        <KeyExtrasContext.Provider value={OF_PAGE}>
          <OneKey apiKey={data} />
        </KeyExtrasContext.Provider>
      )}
    </>
  );
}

function OneKey({ apiKey }: { apiKey: ApiKey }) {
  const { w } = usePageText();
  const actions = useKeyActions(apiKey);
  // Of a suspended key the badges say so.
  const status = {
    active: w.statusActive,
    suspended: undefined,
    expired: w.statusExpired,
    revoked: w.statusRevoked,
  }[apiKey.status];
  return (
    <>
      <header class={css.head}>
        <div class={css.title}>
          <h1>
            <bdi>{apiKey.label}</bdi>
          </h1>
          <div class={css.badges}>
            {status && <Badge tone={apiKey.status === 'active' ? 'good' : 'plain'}>{status}</Badge>}
            <KeyBadges apiKey={apiKey} />
            <KeyMarks apiKey={apiKey} />
            <code>{apiKey.prefix}</code>
          </div>
          {apiKey.description !== null && <p dir="auto">{apiKey.description}</p>}
        </div>
        <div class={css.actions}>
          {actions.map(({ text, obstacle, isDanger, onClick }) => (
            <Button key={text} kind={isDanger ? 'warning' : 'plain'} obstacle={obstacle} onClick={onClick}>
              {text}
            </Button>
          ))}
        </div>
      </header>
      <LeakBanner apiKey={apiKey} />
      <SuspensionBanner apiKey={apiKey} />
      <KeyUsage id={apiKey.id} />
      <KeyDetails apiKey={apiKey} />
    </>
  );
}

function KeyUsage({ id }: { id: string }) {
  const { w } = usePageText();
  const { query } = useQueryString();
  const { data, error, refetch } = useKeyUsage(id, readRange(query));
  return (
    <Card title={w.usage} aside={<Ranges />}>
      {error && <ErrorBox error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Loading rows={3} />}
      {data && <UsagePlot usage={data} />}
    </Card>
  );
}
