import type { Response } from 'express';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** What a `traceparent` says of the trace that a request belongs to. */
export type TraceParent = { traceId: string; sampled: boolean };

// https://www.w3.org/TR/trace-context/: a later version may have more fields. A repeated header has a comma, which none has.
const TRACEPARENT =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-[0-9a-z-]{1,200})?$/;
const SAMPLED = 1;

/** Reads a `traceparent`. @returns undefined without one, or for one that is not well formed */
export function readTraceparent({ traceparent }: IncomingHttpHeaders): TraceParent | undefined {
  if (typeof traceparent !== 'string') return undefined;
  const [, version, traceId, flags = '', more] = TRACEPARENT.exec(traceparent) ?? [];
  if (traceId === undefined || (version === '00' && more !== undefined)) return undefined;
  return { traceId, sampled: (Number.parseInt(flags, 16) & SAMPLED) !== 0 };
}

type Traced = Pick<IncomingMessage, 'headers'>;

/** Returns the log field of a request's trace, if there is one: that of its span, if it is recorded. */
export function traceField({ headers }: Traced, res?: Pick<Response, 'locals'>): { trace_id?: string } {
  const own = res?.locals['traceId'] as string | undefined;
  const traceId = own ?? readTraceparent(headers)?.traceId;
  return traceId === undefined ? {} : { trace_id: traceId };
}
