import { usePageText } from '../words/page-text.ts';
import css from './ci-screen.module.css';

type Failed = { claim: string; value?: string | null };

/** Conditions that failed, with the token's own values; those without one could not be judged. */
export function Mismatch({ of: failed }: { of: readonly Failed[] }) {
  const { w } = usePageText();
  if (failed.length === 0) return null;
  return (
    <span class={css.mismatch}>
      {failed.map(({ claim, value }) => (
        <code key={claim} dir="ltr">
          {value === undefined ? claim : `${claim}: ${value ?? w.absent}`}
        </code>
      ))}
    </span>
  );
}
