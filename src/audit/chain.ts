import { createHmac } from 'node:crypto';
import { keyIdOf } from '../secrets.ts';
import type { DerivedKeys } from '../secrets.ts';
import type { Link } from './link.ts';
import { hashUnkeyedLink } from './unkeyed-link.ts';

/** A hash, and how it was made: version 1 has no key, and an empty key id. */
export type LinkHash = { hash: Buffer; version: number; keyId: string };

export type Chain = ReturnType<typeof makeChain>;

const KEYED_VERSION = 2;
const TAG = 'latchkey audit link 2';

/**
 * The links of the audit chain, by keys that the database does not have: HMAC-SHA-256 over the hash before and the event.
 * New links are made with the first key. Links made with any of the keys, or without one, can be checked.
 */
export function makeChain(keys: DerivedKeys) {
  const keyOf = new Map(keys.map((key) => [keyIdOf(key), key]));
  const current = keyIdOf(keys[0]);

  return {
    /** The link of an event that follows the one with the hash `previous`. 32 bytes. */
    link: (previous: Buffer, link: Link): LinkHash => ({
      hash: hashKeyedLink(keys[0], previous, link),
      version: KEYED_VERSION,
      keyId: current,
    }),

    /** Whether the link of an event is right; `unknown_key` when it was made with none of the keys. */
    check(previous: Buffer, link: Link, { hash, version, keyId }: LinkHash): 'holds' | 'broken' | 'unknown_key' {
      if (version === 1) return hashUnkeyedLink(previous, link).equals(hash) ? 'holds' : 'broken';
      const key = keyOf.get(keyId);
      if (version !== KEYED_VERSION || !key) return 'unknown_key';
      return hashKeyedLink(key, previous, link).equals(hash) ? 'holds' : 'broken';
    },
  };
}

function hashKeyedLink(key: Buffer, previous: Buffer, link: Link): Buffer {
  return createHmac('sha256', key).update(previous).update(canonical(link)).digest();
}

function canonical(link: Link): string {
  return JSON.stringify([
    TAG,
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
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}
