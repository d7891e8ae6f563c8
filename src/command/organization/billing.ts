import type { BillingStatus } from '../../client/shapes.ts';
import { confirm } from '../confirm.ts';
import { connect } from '../connection.ts';
import type { Context } from '../context.ts';
import type { CallFlags, ConfirmFlags } from '../flags.ts';
import { column, printOne } from '../output/print.ts';
import { command } from '../run.ts';
import type { Outcome } from '../run.ts';

export type BillingFlags = CallFlags &
  ConfirmFlags & {
    status: BillingStatus;
    plan?: string;
    trialEndsAt?: string;
    decommissionAt?: string;
    reason?: string;
  };

const FACTS = [
  column('ID', 'id'),
  column('STATUS', 'billing_status'),
  column('POSTURE', 'posture'),
  column('PLAN', 'plan'),
  column('SINCE', 'status_since'),
  column('REASON', 'billing_reason'),
  column('ALLOWED', 'allowed'),
];

export const showBilling = command(async (context: Context, flags: CallFlags, id: string): Promise<Outcome> => {
  const client = await connect(context, flags);
  printOne(context, flags, await client.organizations.get(id, { signal: context.signal }), FACTS);
  return undefined;
});

/** Sets the billing of an organization, as a billing system's webhook would. */
export const setBilling = command(async (context: Context, flags: BillingFlags, id: string): Promise<Outcome> => {
  const { status, plan, trialEndsAt, decommissionAt, reason } = flags;
  if (status === 'past_due' || status === 'decommissioning')
    await confirm(context, flags, `Set ${id} to ${status}? It may lose the use of its keys.`);
  const client = await connect(context, flags);
  const billing = { status, plan, trial_ends_at: trialEndsAt, decommission_at: decommissionAt, reason };
  const answer = await client.organization.setBilling(id, billing, { signal: context.signal });
  printOne(context, flags, answer, FACTS);
  return undefined;
});
