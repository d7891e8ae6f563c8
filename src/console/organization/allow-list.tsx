import { useMutation, useQuery, useQueryClient } from '@tanstack/preact-query';
import { useState } from 'preact/hooks';
import { useConsole } from '../data/console.ts';
import { addressesIn } from '../settings/settings.ts';
import { AddressesField } from '../settings/settings-fields.tsx';
import { useAnnounce } from '../parts/announce.tsx';
import { Button } from '../parts/controls/button.tsx';
import { Card } from '../parts/shown/card.tsx';
import { ErrorBox } from '../parts/shown/error-box.tsx';
import { Loading } from '../parts/shown/loading.tsx';
import { useConsoleSession } from '../session/session.ts';
import { fieldErrors } from '../words/messages.ts';
import { obstacleText } from '../words/obstacles.ts';
import { usePageText } from '../words/page-text.ts';
import css from './organization-screen.module.css';

/** The addresses that people, machines and keys of the organization are accepted from. */
export function AllowList() {
  const { w } = usePageText();
  const { client } = useConsoleSession();
  const { data, error, refetch } = useQuery({
    queryKey: ['allow-list'],
    queryFn: async ({ signal }) => (await client.organization.ipAllowList({ signal })).ip_allow_list,
  });
  return (
    <Card title={w.allowList}>
      <p class={css.quiet}>{w.allowListHelp}</p>
      {error && <ErrorBox error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Loading rows={1} />}
      {data && <AllowListForm key={data.join()} addresses={data} />}
    </Card>
  );
}

function AllowListForm({ addresses }: { addresses: readonly string[] }) {
  const { w } = usePageText();
  const facts = useConsole();
  const announce = useAnnounce();
  const { client } = useConsoleSession();
  const queries = useQueryClient();
  const [text, setText] = useState(addresses.join('\n'));
  const saving = useMutation({
    mutationFn: (list: string[]) => client.organization.setIpAllowList({ ip_allow_list: list }),
    onSuccess: ({ ip_allow_list: list }) => {
      announce(w.saved);
      queries.setQueryData(['allow-list'], list);
    },
  });
  const isChanged = addressesIn(text).join() !== addresses.join();
  return (
    <form
      class={css.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (!saving.isPending) saving.mutate(addressesIn(text));
      }}
    >
      <AddressesField value={text} error={fieldErrors(saving.error)['ip_allow_list']} onValue={setText} />
      {saving.error && <ErrorBox error={saving.error} />}
      <div class={css.foot}>
        <Button
          type="submit"
          kind="primary"
          isBusy={saving.isPending}
          obstacle={obstacleText(facts.may.administer, facts, w) ?? (isChanged ? undefined : w.nothingChanged)}
        >
          {w.save}
        </Button>
        {saving.isSuccess && !isChanged && <span role="status">{w.saved}</span>}
      </div>
    </form>
  );
}
