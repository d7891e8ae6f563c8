import type { BillingStatus, PolicyRules } from './posture.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;

/** Computes in SQL what `standingOf` of the policy computes, over the columns of `tenants`. */
export function postureSql(
  { graceDays }: Pick<PolicyRules, 'graceDays'>,
  now: Date,
): { sql: string; bindings: Date[] } {
  const inGrace = (status: BillingStatus, since: 'trial_ends_at' | 'status_since') => {
    const days = graceDays[status] ?? 0;
    return days === 0
      ? []
      : [{ when: `billing_status = '${status}' and ${since} > ?`, at: new Date(now.getTime() - days * DAY_MS) }];
  };
  const graces = [
    ...inGrace('trial', 'trial_ends_at'),
    ...inGrace('past_due', 'status_since'),
    ...inGrace('decommissioning', 'status_since'),
  ];
  const sql = `case
    when deleted_at is not null then 'decommissioning'
    when billing_status is null then 'unknown'
    when billing_status = 'trial' and trial_ends_at > ? then 'trial'
    ${graces.map(({ when }) => `when ${when} then 'grace'`).join('\n    ')}
    when billing_status = 'trial' then 'trial_expired'
    else billing_status end`;
  return { sql, bindings: [now, ...graces.map(({ at }) => at)] };
}
