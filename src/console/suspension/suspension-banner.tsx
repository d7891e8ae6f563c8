import type { ApiKey } from '../../client/client.ts';
import css from '../layout/banners.module.css';
import { Time } from '../parts/shown/time.tsx';
import { usePageText } from '../words/page-text.ts';
import own from './suspension.module.css';

/** Since when a key is suspended, by whom and why. */
export function SuspensionBanner({ apiKey }: { apiKey: ApiKey }) {
  const { w } = usePageText();
  const { suspended_at: at, suspended_by: by, suspension_reason: reason, status } = apiKey;
  if (status !== 'suspended' || at === null || by === null) return null;
  return (
    <section class={css.banner} aria-label={w.suspension}>
      <strong>
        {w.suspendedBy(by.name ?? by.id)} <Time at={at} />
      </strong>
      {reason !== null && (
        <p class={own.reason}>
          <bdi>{reason}</bdi>
        </p>
      )}
      <p>{w.suspendedMeans}</p>
    </section>
  );
}
