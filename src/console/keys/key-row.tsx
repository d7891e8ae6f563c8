import { useContext, useMemo } from 'preact/hooks';
import type { ApiKey, KeysUsage } from '../../client/client.ts';
import { useConsole } from '../data/console.ts';
import { useWays } from '../data/location.ts';
import { useDialogs } from '../dialogs/dialogs.tsx';
import { Badge } from '../parts/shown/badge.tsx';
import { Button } from '../parts/controls/button.tsx';
import { TrashIcon } from '../parts/shown/icons.tsx';
import { Expiry, KeyBadges, Permissions } from '../parts/shown/key-facts.tsx';
import { Time } from '../parts/shown/time.tsx';
import { obstacleText } from '../words/obstacles.ts';
import { useText } from '../words/text.ts';
import { KeyExtrasContext } from './key-extras.ts';
import { KeyMenu } from './key-menu.tsx';
import { Spark } from './spark.tsx';
import css from './key-table.module.css';

type KeyUsage = KeysUsage['data'][number] | undefined;
type Props = { apiKey: ApiKey; usage: KeyUsage; index: number; inner: (row: HTMLElement | null) => void };

/** Drawn again only when its key changes, not while the reader types or scrolls. */
export function KeyRow({ apiKey, usage, index, inner }: Props) {
  const { w } = useText();
  const { Marks } = useContext(KeyExtrasContext);
  return useMemo(
    () => (
      <tr ref={inner} role="row" class={css.row} data-index={index} aria-rowindex={index + 2}>
        <td role="cell" class={css.first}>
          <div class={css.name}>
            <span class={css.title}>
              <Label apiKey={apiKey} />
            </span>
            <span class={css.under}>
              <code>{apiKey.prefix}</code>
              <KeyBadges apiKey={apiKey} />
              {Marks && <Marks apiKey={apiKey} />}
            </span>
          </div>
        </td>
        <td role="cell" class={css.cell} data-label={w.permissions}>
          <Permissions apiKey={apiKey} />
        </td>
        <td role="cell" class={css.spark}>
          {usage && <Spark total={usage.total} days={usage.data} />}
        </td>
        <td role="cell" data-label={w.lastUsed}>
          {apiKey.last_used_at === null ? <span class={css.quiet}>{w.never}</span> : <Time at={apiKey.last_used_at} />}
        </td>
        <td role="cell" data-label={w.expires}>
          <Expiry apiKey={apiKey} />
        </td>
        <td role="cell" class={css.created} data-label={w.created}>
          <Time at={apiKey.created_at} />
        </td>
        <td role="cell" class={css.tools}>
          {apiKey.status === 'active' || apiKey.status === 'suspended' ? (
            <Tools apiKey={apiKey} />
          ) : (
            <Badge>{w[STATUS[apiKey.status]]}</Badge>
          )}
        </td>
      </tr>
    ),
    [apiKey, usage, index, inner, w, Marks],
  );
}

/** The key's name, as a link where keys have a screen of their own. */
function Label({ apiKey: { id, label } }: { apiKey: ApiKey }) {
  const { keyUrl } = useWays();
  return keyUrl ? (
    <a dir="auto" href={keyUrl(id)} title={label}>
      {label}
    </a>
  ) : (
    <strong dir="auto" title={label}>
      {label}
    </strong>
  );
}

const STATUS = { expired: 'statusExpired', revoked: 'statusRevoked' } as const;

function Tools({ apiKey }: { apiKey: ApiKey }) {
  const { w } = useText();
  const facts = useConsole();
  const { open } = useDialogs();
  const obstacle = facts.may.revoke(apiKey);
  return (
    <div class={css.menus}>
      {facts.product.console.revoke === 'trash' && obstacle !== 'permission' && (
        <Button
          kind="quiet"
          icon
          label={w.revokeNamed(apiKey.label)}
          title={w.revoke}
          obstacle={obstacleText(obstacle, facts, w)}
          onClick={() => open('revoke', apiKey.id)}
        >
          <TrashIcon />
        </Button>
      )}
      <KeyMenu apiKey={apiKey} />
    </div>
  );
}
