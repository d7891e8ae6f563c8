import { createHash } from 'node:crypto';

/** A row of `audit_events`, as the driver returns it. */
export type AuditRow = {
  organization_id: string;
  sequence: string;
  id: string;
  occurred_at: Date;
  action: string;
  actor_kind: string;
  actor_id: string;
  target_kind: string;
  target_id: string;
  request_id: string | null;
  ip: string | null;
  details: unknown;
  hash: Buffer;
};

/** What is wrong with a chain, computed anew from the documented form and none of the service's code. */
export function chainFaults(rows: readonly AuditRow[], head: { sequence: string; hash: Buffer } | undefined): string[] {
  const faults: string[] = [];
  let previous = Buffer.alloc(32);
  rows.forEach((row, i) => {
    if (Number(row.sequence) !== i + 1) faults.push(`audit: number ${row.sequence} stands where ${i + 1} belongs`);
    const hash = createHash('sha256')
      .update(previous)
      .update(JSON.stringify(covered(row)))
      .digest();
    if (!hash.equals(row.hash)) faults.push(`audit: the hash of number ${row.sequence} is not that of its content`);
    previous = row.hash as typeof previous;
  });
  const last = rows.at(-1);
  if (Number(head?.sequence ?? 0) !== rows.length) faults.push('audit: the head is not at the last number');
  if (last && head && !last.hash.equals(head.hash)) faults.push('audit: the head has another hash than the last event');
  return faults;
}

function covered(row: AuditRow): unknown[] {
  const { organization_id, sequence, id, occurred_at, action, actor_kind, actor_id, target_kind, target_id } = row;
  return [
    organization_id,
    Number(sequence),
    id,
    occurred_at.toISOString(),
    action,
    [actor_kind, actor_id],
    [target_kind, target_id],
    row.request_id,
    row.ip,
    pairs(row.details),
  ];
}

/** Objects as lists of pairs in the order of their names. */
function pairs(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(pairs);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([name, item]) => [name, pairs(item)]);
}
