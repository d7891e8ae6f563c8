import type { Posture } from '../tenants/posture.ts';

const REASONS: Partial<Record<Posture, string>> = {
  past_due: 'A payment is overdue. Settle it to go on.',
  decommissioning: 'This organization is being closed.',
  trial_expired: 'The trial has ended. Choose a plan to go on.',
  unknown: 'Billing has not set up this organization yet. Try again shortly.',
};

/** Why billing refuses a request, for users. */
export function reasonFor(posture: Posture): string {
  return REASONS[posture] ?? 'The billing of this organization does not allow this now.';
}
