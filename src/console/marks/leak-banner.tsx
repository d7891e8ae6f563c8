import type { ApiKey } from '../../client/client.ts';
import { isExposed } from './key-marks.tsx';
import css from '../layout/banners.module.css';
import { Time } from '../parts/shown/time.tsx';
import { usePageText } from '../words/page-text.ts';

/** That a scanner found a key in public, which still works or can work again. */
export function LeakBanner({ apiKey }: { apiKey: ApiKey }) {
  const { w } = usePageText();
  const { leaked_at: at } = apiKey;
  if (at === null || !isExposed(apiKey)) return null;
  return (
    <section class={`${css.banner} ${css.bad}`} aria-label={w.leakedMark}>
      <strong>
        {w.leakReported} <Time at={at} />
      </strong>
      <p>{apiKey.status === 'suspended' ? w.leakMeansLater : w.leakMeans}</p>
    </section>
  );
}
