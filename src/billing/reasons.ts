import type { Posture } from '../tenants/posture.ts';

const REASONS: Partial<Record<Posture, string>> = {
  past_due: 'A payment is overdue.',
  decommissioning: 'This organization is being closed.',
  trial_expired: 'The trial has ended.',
  unknown: 'Billing does not know this organization yet.',
};

/** Why billing refuses something, for people. */
export function reasonFor(posture: Posture): string {
  return REASONS[posture] ?? 'Billing does not allow this now.';
}
