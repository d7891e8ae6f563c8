import type { Pool } from 'pg';
import type { AuditRow } from './audit-chain.ts';
import { showsSecret } from './secrets.ts';
import type { Workos } from './workos.ts';

type Deps = { sql: Pool; workos: Pick<Workos, 'ask'>; organizationId: string };
type Kept = { idempotency_key: string; event: { action: string; metadata: { event_id: string; sequence: number } } };

/** Compares what WorkOS Audit Logs have of an organization with the audit log: every event, once, in its order. */
export async function checkForwarded(
  { sql, workos, organizationId }: Deps,
  events: readonly AuditRow[],
  secrets: ReadonlySet<string>,
): Promise<string[]> {
  const { rows: left } = await sql.query<{ id: string; status: string }>(
    `select id, status from outbox where organization_id = $1 and endpoint = 'workos' and status <> 'delivered'`,
    [organizationId],
  );
  const { body } = await workos.ask('GET', `/_emulator/audit_events?organization_id=${organizationId}`);
  const kept = body['data'] as Kept[];
  const there = kept.map((one) => `${one.event.metadata.sequence} ${one.event.action} ${one.event.metadata.event_id}`);
  const here = events.map(({ sequence, action, id }) => `${sequence} ${action} ${id}`);
  const misplaced = here.findIndex((name, i) => name !== there[i]);
  return [
    ...left.map(({ id, status }) => `Audit Logs: ${id} is ${status}`),
    ...(here.length === there.length ? [] : [`Audit Logs have ${there.length} events instead of ${here.length}`]),
    ...(misplaced === -1 ? [] : [`Audit Logs have ${there[misplaced]} where ${here[misplaced]} belongs`]),
    ...kept
      .filter((one) => showsSecret(JSON.stringify(one), secrets))
      .map((one) => `Audit Logs: ${one.idempotency_key} has a secret in it`),
  ];
}
