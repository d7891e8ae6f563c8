import { createHash } from 'node:crypto';
import type { Link } from './link.ts';

/**
 * Returns the link of version 1, which has no key: SHA-256 over the hash before and the event. Anyone who can write rows can
 * compute it, and an object hashes like the array of its pairs. It only checks events from before links had keys.
 */
export function hashUnkeyedLink(previous: Buffer, link: Link): Buffer {
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
