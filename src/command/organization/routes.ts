import { buildCommand, buildRouteMap } from '@stricli/core';
import { argument, callFlags, confirmFlags, textFlag } from '../flags.ts';

const organization = argument('id', 'Id of the organization');

const show = buildCommand({
  loader: async () => (await import('./billing.ts')).showBilling,
  parameters: { flags: callFlags, positional: organization },
  docs: { brief: 'Show the billing of an organization' },
});

const set = buildCommand({
  loader: async () => (await import('./billing.ts')).setBilling,
  parameters: {
    flags: {
      ...callFlags,
      ...confirmFlags,
      status: { kind: 'enum', values: ['active', 'trial', 'past_due', 'decommissioning'], brief: 'Billing status' },
      plan: textFlag('Plan; unchanged unless given', 'name'),
      trialEndsAt: textFlag('End of the trial, in ISO 8601; trial needs it', 'time'),
      decommissionAt: textFlag('When all keys are revoked, with decommissioning', 'time'),
      reason: textFlag('Reason, which the audit log keeps', 'text'),
    },
    positional: organization,
  },
  docs: { brief: 'Set the billing of an organization, with a service token' },
});

export const billingRoutes = buildRouteMap({
  routes: { show, set },
  docs: { brief: 'Show and set the billing of organizations' },
});
