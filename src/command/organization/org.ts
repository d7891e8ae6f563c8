import { connect } from '../connection.ts';
import type { Context } from '../context.ts';
import type { CallFlags } from '../flags.ts';
import { column, printOne } from '../output/print.ts';
import { command } from '../run.ts';
import type { Outcome } from '../run.ts';

const FACTS = [
  column('ID', 'id'),
  column('NAME', 'name'),
  column('PLAN', 'plan'),
  column('POSTURE', 'posture'),
  column('SINCE', 'status_since'),
  column('CHANGES AT', 'changes_at'),
  column('ALLOWED', 'allowed'),
  column('KEYS', 'usage.api_keys'),
  column('KEY LIMIT', 'limits.api_keys'),
  column('CI KEYS', 'usage.ci_api_keys'),
  column('CI KEY LIMIT', 'limits.ci_api_keys'),
  column('RATE LIMIT', 'limits.organization_rate_limit'),
];

/** The organization of the credential: its plan, its limits, and what its billing allows. */
export const showOrganization = command(async (context: Context, flags: CallFlags): Promise<Outcome> => {
  const client = await connect(context, flags);
  printOne(context, flags, await client.organization.get({ signal: context.signal }), FACTS);
  return undefined;
});
