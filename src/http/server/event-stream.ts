import type { Response } from 'express';
import { z } from 'zod';

/** An answer that lasts as long as the client listens; it writes to the response and ends it. */
export type EventStream = (to: Response) => void;

/** The response schema of an event stream; the handler returns an `EventStream`. */
export const EventStreamAnswer = z
  .custom<EventStream>((value) => typeof value === 'function')
  .meta({ override: { type: 'string' }, description: 'Server-sent events, as in the HTML standard.' });

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  // No other request uses this connection, and shutdown does not wait for it.
  connection: 'close',
  // Otherwise nginx buffers events.
  'x-accel-buffering': 'no',
};

export function isEventStream(schema: z.ZodType): boolean {
  return schema === (EventStreamAnswer as z.ZodType);
}

export function sendStream(res: Response, method: string, stream: EventStream): void {
  res.writeHead(200, HEADERS);
  if (method === 'HEAD') {
    res.end();
    return;
  }
  res.flushHeaders();
  // The close of an already closed connection would never be seen.
  if (!res.destroyed) stream(res);
}
