import { useEffect } from 'preact/hooks';
import { useConsole } from '../data/console.ts';
import { useQueryString } from '../data/location.ts';
import { useKeyCount, useKeys, useListedUsage } from '../data/queries.ts';
import { useDialogs } from '../dialogs/dialogs.tsx';
import { useAnnounce } from '../parts/announce.tsx';
import { Button } from '../parts/controls/button.tsx';
import { ErrorBox } from '../parts/shown/error-box.tsx';
import { AlertIcon, PlusIcon } from '../parts/shown/icons.tsx';
import { Loading } from '../parts/shown/loading.tsx';
import { Quota } from '../parts/shown/quota.tsx';
import { obstacleText } from '../words/obstacles.ts';
import { useText } from '../words/text.ts';
import { EmptyKeys } from './empty-keys.tsx';
import { Filters } from './filters.tsx';
import { KeyTable } from './key-table.tsx';
import type { UseRows } from './key-table.tsx';
import { readKeysQuery } from './keys-query.ts';
import css from './keys-screen.module.css';

type Props = {
  /** Its heading: the first of a page of its own, or below that of the page around it. */
  heading: 'h1' | 'h2';
  useRows: UseRows;
};

/** The list of keys, and the ways to make, replace and end them. */
export function KeysScreen({ heading: Heading, useRows }: Props) {
  const { w } = useText();
  const facts = useConsole();
  const { open } = useDialogs();
  const { console: words } = facts.product;
  return (
    <>
      <header class={css.head}>
        <div class={css.titles}>
          <Heading class={css.heading}>{words.section}</Heading>
          <Quota />
        </div>
        {facts.may.writeSome && (
          <div class={css.actions}>
            <Button onClick={() => open('leaked')}>
              <AlertIcon />
              {w.leakedKey}
            </Button>
            <Button kind="primary" obstacle={obstacleText(facts.may.create, facts, w)} onClick={() => open('create')}>
              <PlusIcon />
              {words.create}
            </Button>
          </div>
        )}
      </header>
      {facts.may.read ? <Keys useRows={useRows} /> : <NoAccess />}
    </>
  );
}

function Keys({ useRows }: Pick<Props, 'useRows'>) {
  const { w, f } = useText();
  const facts = useConsole();
  const announce = useAnnounce();
  const { query } = useQueryString();
  const asked = readKeysQuery(query, facts);
  const found = useKeys(asked);
  const keys = found.data?.pages.flatMap(({ data }) => data) ?? [];
  const usage = useListedUsage((found.data?.pages ?? []).map(({ data }) => data.map(({ id }) => id)));
  const total = useKeyCount(asked, found);
  useEffect(() => {
    if (total !== undefined) announce(w.keysFound(total, f.number(total)));
  }, [announce, total, w, f]);
  const isShown = found.data !== undefined && !found.error;
  return (
    <>
      <Filters total={total} isBusy={found.isFetching} />
      {found.isPending && <Loading />}
      {found.error && <ErrorBox error={found.error} onRetry={() => void found.refetch()} />}
      {isShown && keys.length === 0 && <EmptyKeys />}
      {keys.length > 0 && (
        <KeyTable
          useRows={useRows}
          usage={usage}
          keys={keys}
          total={total}
          isStale={found.isPlaceholderData}
          onEnd={() => {
            if (found.hasNextPage && !found.isPlaceholderData) void found.fetchNextPage({ cancelRefetch: false });
          }}
        />
      )}
    </>
  );
}

function NoAccess() {
  const { w } = useText();
  return (
    <div class={css.empty}>
      <h2>{w.noAccess}</h2>
      <p>{w.noAccessHelp}</p>
      <code>apikeys:read</code>
    </div>
  );
}
