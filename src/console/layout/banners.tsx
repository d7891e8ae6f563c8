import { useConsole } from '../data/console.ts';
import { billingText } from '../words/billing-text.ts';
import { useText } from '../words/text.ts';
import css from './banners.module.css';

/** Why some things cannot be done now, since when, until when, and what still works. */
export function BillingBanner() {
  const text = useText();
  const { organization } = useConsole();
  const says = billingText(organization, text);
  if (!says) return null;
  const isBad = !organization.allowed.includes('create');
  return (
    <section class={`${css.banner} ${isBad ? css.bad : ''}`} aria-label={text.w.billing}>
      <strong>{says.title}</strong>
      {says.lines.map((line) => (
        <p key={line}>{line}</p>
      ))}
    </section>
  );
}

export function ImpersonationBanner() {
  const { w } = useText();
  const { me } = useConsole();
  if (!me.impersonator) return null;
  return (
    <section class={css.banner} aria-label={w.impersonation}>
      <strong>{w.impersonating(me.impersonator.id, me.email)}</strong>
      <p>{w.impersonationLimits}</p>
    </section>
  );
}
