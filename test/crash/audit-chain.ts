import { createHmac, hkdfSync } from 'node:crypto';

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
  link_version: number;
};

/** What is wrong with a chain, computed anew from the documented form and none of the service's code. */
export function chainFaults(
  rows: readonly AuditRow[],
  head: { sequence: string; hash: Buffer } | undefined,
  secret: string,
): string[] {
  const faults: string[] = [];
  const key = Buffer.from(hkdfSync('sha256', secret, 'latchkey', 'audit chain', 32));
  let previous = Buffer.alloc(32);
  rows.forEach((row, i) => {
    if (Number(row.sequence) !== i + 1) faults.push(`audit: number ${row.sequence} stands where ${i + 1} belongs`);
    const hash = createHmac('sha256', key)
      .update(previous)
      .update(JSON.stringify(covered(row)))
      .digest();
    if (row.link_version !== 2) faults.push(`audit: number ${row.sequence} has no keyed link`);
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
    'latchkey audit link 2',
    organization_id,
    Number(sequence),
    id,
    occurred_at.toISOString(),
    action,
    [actor_kind, actor_id],
    [target_kind, target_id],
    row.request_id,
    row.ip,
    inOrder(row.details),
  ];
}

/** Objects with their entries in the order of the names. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, item]) => [name, inOrder(item)]));
}
