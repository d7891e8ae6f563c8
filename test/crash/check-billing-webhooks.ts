import type { Pool } from 'pg';
import type { AuditRow } from './audit-chain.ts';
import { standings } from './billing.ts';
import type { Standing } from './billing.ts';
import { send } from './http.ts';
import { showsSecret } from './secrets.ts';
import type { Billed } from './sender.ts';

type Deps = { url: () => string; token: string; sql: Pool; organizationId: string };
type Kept = { event_id: string; outcome: string; attempts: number; whole: string };
type Tenant = Omit<Standing, 'trial_ends_at'> & { trial_ends_at: Date | null; billing_occurred_at: Date | null };

/** Compares the answers that billing got with the inbox, the tenant, the audit log and the API. */
export async function checkBillingWebhooks(
  deps: Deps,
  { from, incoming }: Billed,
  events: readonly AuditRow[],
  secrets: ReadonlySet<string>,
): Promise<string[]> {
  const { sql, organizationId } = deps;
  const { rows: kept } = await sql.query<Kept>(
    'select event_id, outcome, attempts, inbox::text as whole from hook_inbox as inbox where organization_id = $1',
    [organizationId],
  );
  const expected = standings(incoming, from);
  const outcomes = new Map(incoming.map(({ id }, i) => [id, expected[i]!.changed ? 'applied' : 'unchanged']));
  const changes = expected.filter(({ changed }) => changed).length;
  const audited = events.filter(({ action }) => action === 'organization.billing_changed').length;
  const last = expected.at(-1);
  return [
    ...inbox(kept, outcomes),
    ...kept
      .filter(({ whole }) => showsSecret(whole, secrets))
      .map(({ event_id: id }) => `webhook ${id} has a secret in it`),
    ...(audited === changes ? [] : [`audit: ${audited} changes of billing instead of ${changes}`]),
    ...(last ? await tenant(deps, last.after, incoming.at(-1)!.occurredAt) : []),
  ];
}

function inbox(kept: readonly Kept[], outcomes: ReadonlyMap<string, string>): string[] {
  const faults: string[] = [];
  for (const [id, outcome] of outcomes) {
    const rows = kept.filter((row) => row.event_id === id);
    const found = rows.map((row) => row.outcome).join();
    if (found !== outcome) faults.push(`webhook ${id} is in the inbox as '${found}' instead of '${outcome}'`);
    if (rows.some(({ attempts }) => attempts !== 1)) faults.push(`webhook ${id} was applied more than once`);
  }
  const strays = kept.filter((row) => !outcomes.has(row.event_id));
  return [...faults, ...strays.map((row) => `webhook ${row.event_id} is in the inbox and was never sent`)];
}

async function tenant(
  { url, token, sql, organizationId }: Deps,
  { billing_status: status, ...terms }: Standing,
  occurredAt: Date,
): Promise<string[]> {
  const { rows } = await sql.query<Tenant>(
    `select billing_status, trial_ends_at, plan, key_limit, billing_occurred_at from tenants
     where organization_id = $1`,
    [organizationId],
  );
  const wanted = JSON.stringify({ billing_status: status, ...terms, billing_occurred_at: occurredAt });
  const answer = await send(url(), 'GET', '/v1/organization', { token });
  return [
    ...(JSON.stringify(rows[0]) === wanted ? [] : [`billing is ${JSON.stringify(rows[0])} instead of ${wanted}`]),
    ...(answer?.body['posture'] === status
      ? []
      : [`the service says ${String(answer?.body['posture'])}, not ${status}`]),
  ];
}
