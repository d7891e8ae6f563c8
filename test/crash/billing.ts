import type { Random } from './random.ts';

const STATUSES = ['active', 'trial', 'past_due', 'decommissioning'] as const;

/** The statement of one billing webhook about an organization. */
export type Says = {
  status: (typeof STATUSES)[number];
  trialDays?: number;
  plan?: 'standard' | 'scale';
  keyLimit?: number | null;
};
export type PlannedWebhook = {
  says: Says;
  /** Whether it is sent once more after it was answered. */
  again: boolean;
  pauseMs: number;
};

/** What is so of an organization, in the words of its row. */
export type Standing = {
  billing_status: string | null;
  trial_ends_at: string | null;
  plan: string | null;
  key_limit: number | null;
};
export type Said = { says: Says; occurredAt: Date };

const DAY_MS = 24 * 60 * 60_000;
const BEFORE: Standing = { billing_status: 'active', trial_ends_at: null, plan: null, key_limit: null };

/** At least two, so that one may be the second. */
export function planWebhooks(random: Random): PlannedWebhook[] {
  return Array.from({ length: 2 + random.below(3) }, () => ({
    says: statement(random),
    again: random.chance(0.2),
    pauseMs: random.below(200),
  }));
}

function statement(random: Random): Says {
  const status = random.pick(STATUSES);
  return {
    status,
    ...(status === 'trial' && { trialDays: random.pick([7, 30]) }),
    ...(random.chance(0.3) && { plan: random.pick(['standard', 'scale']) }),
    ...(random.chance(0.2) && { keyLimit: random.pick([20, 50, null]) }),
  };
}

/** A trial's end, the same for each message of an organization that names the same days. */
export function trialEnd({ trialDays }: Says, from: Date): string | null {
  return trialDays === undefined ? null : new Date(from.getTime() + trialDays * DAY_MS).toISOString();
}

/** Returns the billing of an organization after each webhook and whether it changed, without the service's code. */
export function standings(said: readonly Said[], from: Date): { after: Standing; changed: boolean }[] {
  let before = BEFORE;
  return said.map(({ says }) => {
    const after = {
      billing_status: says.status,
      trial_ends_at: trialEnd(says, from),
      plan: says.plan ?? before.plan,
      key_limit: says.keyLimit === undefined ? before.key_limit : says.keyLimit,
    };
    const changed = JSON.stringify(after) !== JSON.stringify(before);
    before = after;
    return { after, changed };
  });
}
