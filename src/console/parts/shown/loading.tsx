import { useText } from '../../words/text.ts';
import css from './loading.module.css';

export function Loading({ rows = 4 }: { rows?: number }) {
  const { w } = useText();
  return (
    <div class={css.loading} role="status">
      <span class="visually-hidden">{w.loading}</span>
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} class={css.bar} aria-hidden="true" />
      ))}
    </div>
  );
}
