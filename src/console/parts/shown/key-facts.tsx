import type { ApiKey } from '../../../client/client.ts';
import { useConsole } from '../../data/console.ts';
import { spaced } from '../../words/names.ts';
import { useText } from '../../words/text.ts';
import { Badge } from './badge.tsx';
import css from './key-facts.module.css';
import { Time } from './time.tsx';

const SOON_DAYS = 7;

/** What sets a key apart from the others of the list. */
export function KeyBadges({ apiKey }: { apiKey: ApiKey }) {
  const { w } = useText();
  const { me, product } = useConsole();
  const isMine = apiKey.owner.type === 'user' && apiKey.owner.id === me.user_id;
  return (
    <>
      {apiKey.environment === 'test' && <Badge tone="warn">{w.test}</Badge>}
      {apiKey.owner.type === 'user' && product.owners.length > 1 && <Badge>{isMine ? w.mine : w.personal}</Badge>}
      {apiKey.status === 'suspended' && <Badge tone="warn">{w.statusSuspended}</Badge>}
      {apiKey.status === 'active' && apiKey.rotated_to !== null && <Badge tone="info">{w.replaced}</Badge>}
    </>
  );
}

export function Permissions({ apiKey }: { apiKey: ApiKey }) {
  const { w, f } = useText();
  const { permission_set: set, scopes } = apiKey;
  if (set !== null) return <span title={f.list(scopes)}>{spaced(set)}</span>;
  if (scopes.length === 1) return <code>{scopes[0]}</code>;
  return <span title={f.list(scopes)}>{w.scopeCount(f.number(scopes.length))}</span>;
}

export function Expiry({ apiKey }: { apiKey: ApiKey }) {
  const { w } = useText();
  const { expires_at: at, expires_in_days: days, status } = apiKey;
  if (at === null) return <span class={css.quiet}>{w.never}</span>;
  const isSoon = status === 'active' && days !== null && days <= SOON_DAYS;
  return (
    <span class={isSoon ? css.soon : undefined}>
      <Time at={at} />
    </span>
  );
}
