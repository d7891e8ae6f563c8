import { useConsole } from '../../data/console.ts';
import { useText } from '../../words/text.ts';
import css from './quota.module.css';

const HIGH = 0.8;

/** How many of the plan's keys the organization has. */
export function Quota() {
  const { w, f } = useText();
  const { organization, product } = useConsole();
  const { limits, usage } = organization;
  if (!product.owners.includes('organization') || limits.api_keys === 0) return null;
  const isFull = usage.api_keys >= limits.api_keys;
  const says = w.keysOfLimit(f.number(usage.api_keys), f.number(limits.api_keys));
  return (
    <p class={css.quota}>
      <meter
        min={0}
        max={limits.api_keys}
        low={limits.api_keys * HIGH}
        high={limits.api_keys * HIGH}
        optimum={0}
        value={usage.api_keys}
        aria-label={says}
      />
      <span class={isFull ? css.full : undefined}>{says}</span>
    </p>
  );
}
