import type { ApiKey } from '../../client/client.ts';
import { Permissions } from '../parts/shown/key-facts.tsx';
import { Time } from '../parts/shown/time.tsx';
import { useText } from '../words/text.ts';
import css from './key-summary.module.css';

/** Which key it is, in two lines. */
export function KeySummary({ apiKey }: { apiKey: ApiKey }) {
  const { w } = useText();
  return (
    <div class={css.summary}>
      <strong>
        <bdi>{apiKey.label}</bdi>
      </strong>
      <div class={css.facts}>
        <code>{apiKey.prefix}</code>
        <Permissions apiKey={apiKey} />
        <span>
          {w.lastUsed}: {apiKey.last_used_at === null ? w.never : <Time at={apiKey.last_used_at} />}
        </span>
      </div>
    </div>
  );
}
