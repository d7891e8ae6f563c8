import { createHash } from 'node:crypto';
import type { Link } from './link.ts';

/**
 * The link of version 1, which had no key: SHA-256 over the hash before and the event. Whoever can write rows can make
 * it, and an object hashes like an array of its pairs; it is only checked, for events from before there were keys.
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
