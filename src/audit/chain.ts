import { createHash } from 'node:crypto';

/** What a link of the chain covers: every column of an audit event but the hash itself. */
export type Link = {
  organizationId: string;
  sequence: number;
  id: string;
  occurredAt: Date;
  action: string;
  actor: { kind: string; id: string };
  target: { kind: string; id: string };
  requestId: string | undefined;
  ip: string | undefined;
  details: Readonly<Record<string, unknown>>;
};

/** Before the first event of an organization. */
export const CHAIN_START = Buffer.alloc(32);

/** The hash of an event that follows the one with the hash `previous`: SHA-256 over both. 32 bytes. */
export function hashLink(previous: Buffer, link: Link): Buffer {
  return createHash('sha256').update(previous).update(canonical(link)).digest();
}

function canonical(link: Link): string {
  return JSON.stringify([
    link.organizationId,
    link.sequence,
    link.id,
    link.occurredAt.toISOString(),
    link.action,
    [link.actor.kind, link.actor.id],
    [link.target.kind, link.target.id],
    link.requestId ?? null,
    link.ip ?? null,
    sorted(link.details),
  ]);
}

// The database keeps JSON by value and returns its keys in an order of its own.
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => [key, sorted(item)]);
}
