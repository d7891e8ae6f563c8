import { createHash } from 'node:crypto';
import { EVENT_ID } from '../../ids.ts';
import { EVENT_TYPES, parseEvent } from './event.ts';
import type { WorkosEvent } from './event.ts';
import { readTime } from './time.ts';

/** An event of a kind that concerns Latchkey, in a form that it cannot read. `body` is JSON, undefined when too long. */
export type UnreadableEvent = { id: string; type: string; body: string | undefined; reason: string };

/** `other`: an event of a kind that does not concern Latchkey. */
export type ReadEvent =
  | { kind: 'event'; event: WorkosEvent }
  | { kind: 'other' }
  | { kind: 'unreadable'; event: UnreadableEvent };

type Json = Readonly<Record<string, unknown>>;

const MAX_BODY_BYTES = 64 * 1024;
const MAX_REASON = 500;
/** These events end access, so they are applied even when their times cannot be read. */
const ENDINGS: readonly unknown[] = [
  'api_key.revoked',
  'organization.deleted',
  'organization_membership.deleted',
  'user.deleted',
  'session.revoked',
];
const TIMES = ['created_at', 'updated_at', 'expires_at'];

/** Reads an event of a page or a webhook. An event that concerns Latchkey is never classified as `other`. */
export function readEvent(raw: unknown, now: Date = new Date()): ReadEvent {
  const parsed = parseEvent(raw);
  if (parsed.success) return { kind: 'event', event: parsed.event };
  const fields = isObject(raw) ? raw : {};
  const { event: type } = fields;
  if (!(EVENT_TYPES as readonly unknown[]).includes(type)) return { kind: 'other' };
  const ending = ENDINGS.includes(type) ? parseEvent(withReadableTimes(fields, now)) : parsed;
  if (ending.success) return { kind: 'event', event: ending.event };
  return { kind: 'unreadable', event: unreadable(fields, String(type), ending.reason) };
}

/** Returns the id of an event, or one derived from its body when it has none. */
export function idOfEvent(raw: unknown): string {
  const id = isObject(raw) ? raw['id'] : undefined;
  if (typeof id === 'string' && EVENT_ID.test(id)) return id;
  return `unnamed_${createHash('sha256').update(JSON.stringify(raw)).digest('hex').slice(0, 32)}`;
}

function unreadable(raw: Json, type: string, reason: string): UnreadableEvent {
  // No event holds the secret of a key today; one that did must not be stored.
  const body = JSON.stringify(raw).replaceAll(/\b(sk|wos_api_key)_\w+/g, '$1_…');
  const isShort = Buffer.byteLength(body) <= MAX_BODY_BYTES;
  return { id: idOfEvent(raw), type, body: isShort ? body : undefined, reason: reason.slice(0, MAX_REASON) };
}

function withReadableTimes(raw: Json, now: Date): Json {
  const { data } = raw;
  return { ...fixTimes(raw, now), ...(isObject(data) && { data: fixTimes(data, now) }) };
}

function fixTimes(object: Json, now: Date): Json {
  const wrong = TIMES.filter((name) => {
    const value = object[name];
    return value !== undefined && value !== null && !(typeof value === 'string' && readTime(value));
  });
  return { ...object, ...Object.fromEntries(wrong.map((name) => [name, now.toISOString()])) };
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
