import type { Scene } from './scene.ts';

type Row = {
  workos_id: string | null;
  status: string;
  expires_at: Date | null;
  suspended_at: Date | null;
  suspended_by_id: string | null;
};
type Event = { target_id: string; action: string; actor_id: string };

/**
 * The audit log and the rows agree on what is suspended, by whom and how often; no suspended key was rotated, no successor
 * inherited a suspension, and verification answers by the row.
 */
export async function checkSuspensions(scene: Scene, rows: readonly Row[], now: Date): Promise<string[]> {
  const { world, organizationId } = scene;
  const { rows: events } = await world.sql.query<Event>(
    `select target_id, action, actor_id from audit_events
     where organization_id = $1 and action in ('api_key.suspended', 'api_key.resumed') order by sequence`,
    [organizationId],
  );
  const { rows: rotated } = await world.sql.query(
    "select 1 from rotations_seen where organization_id = $1 and old ->> 'suspended_at' is not null",
    [organizationId],
  );
  const verdict = await scene.ask('POST', '/v1/api-keys/verify', { body: { key: scene.key.value } });
  return [
    ...rows.flatMap((row) => agree(row, scene, events)),
    ...(rotated.length === 0 ? [] : ['suspension: a suspended key was rotated']),
    ...judged(rows, scene, verdict.body['code'], now),
  ];
}

function agree(row: Row, { key }: Scene, events: readonly Event[]): string[] {
  const own = events.filter(({ target_id: id }) => id === row.workos_id);
  const isOrdered = own.every(({ action }, i) => action === (i % 2 === 0 ? 'api_key.suspended' : 'api_key.resumed'));
  const last = own.at(-1);
  const by = last?.action === 'api_key.suspended' ? last.actor_id : null;
  return [
    ...(isOrdered ? [] : [`suspension: ${own.map(({ action }) => action).join(', ')} of ${row.workos_id}`]),
    ...(by === row.suspended_by_id && (by === null) === (row.suspended_at === null)
      ? []
      : [`suspension: ${row.workos_id} is suspended by ${row.suspended_by_id}, says the row, and by ${by}, the log`]),
    ...(row.suspended_at === null || row.workos_id === key.id
      ? []
      : [`suspension: ${row.workos_id} is suspended, and no request was for it`]),
  ];
}

function judged(rows: readonly Row[], { key }: Scene, code: unknown, now: Date): string[] {
  const row = rows.find(({ workos_id: id }) => id === key.id);
  if (!row || row.status !== 'active' || (row.expires_at && row.expires_at <= now)) return [];
  const wanted = row.suspended_at !== null;
  return wanted === (code === 'suspended') ? [] : [`suspension: the key is ${String(code)}, and suspended: ${wanted}`];
}
