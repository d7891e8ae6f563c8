import { setTimeout as wait } from 'node:timers/promises';
import type { Reply } from '../http/route.ts';
import { CHARSETS } from './charsets.ts';
import type { CharsetName } from './charsets.ts';
import type { Fault } from './faults.ts';

/** What the server does instead of sending an answer. */
export type Silence = 'reset' | 'silence';

/**
 * Applies a fault that comes before the work. A reply or a silence ends the request; `undefined` lets the work proceed.
 * `signal` ends a wait when the server closes.
 */
export async function playBefore(fault: Fault, signal: AbortSignal): Promise<Reply | Silence | undefined> {
  switch (fault.kind) {
    case 'latency':
      return wait(fault.ms, undefined, { signal }).catch(() => 'reset' as const);
    case 'status':
      return {
        status: fault.status,
        body: fault.body ?? { message: `Local WorkOS: status ${fault.status} was asked for.` },
        headers: fault.headers,
      };
    case 'html':
      return {
        status: 502,
        body: '<html><body><h1>502 Bad Gateway</h1></body></html>',
        headers: { 'content-type': 'text/html' },
      };
    case 'reset_before':
      return 'reset';
    case 'hang':
      return 'silence';
    default:
      return undefined;
  }
}

/** Applies a fault that comes after the work, whose effects stay. */
export function playAfter(fault: Fault, reply: Reply): Reply | Silence {
  const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body ?? {});
  switch (fault.kind) {
    case 'malformed_json':
      return { ...reply, body: text.slice(0, -1), headers: { ...reply.headers, 'content-type': 'application/json' } };
    case 'empty_body':
      return { ...reply, body: '', headers: { ...reply.headers, 'content-type': 'application/json' } };
    case 'wrong_content_type':
      return { ...reply, body: text, headers: { ...reply.headers, 'content-type': 'text/plain' } };
    case 'charset':
      return { ...reply, ...inCharset(text, fault.charset, reply.headers) };
    case 'reset_after':
      return 'reset';
    case 'lost_answer':
      return 'silence';
    default:
      return reply;
  }
}

function inCharset(text: string, name: CharsetName, headers: Reply['headers']): Pick<Reply, 'body' | 'headers'> {
  const { named, encode } = CHARSETS[name];
  return { body: encode(text), headers: { ...headers, 'content-type': `application/json; charset=${named}` } };
}
