import type { Response } from 'express';
import { z } from 'zod';

/** An answer that goes on for as long as the client listens: it writes and ends what it is given. */
export type EventStream = (to: Response) => void;

/** The answer of a route that tells of events; such a handler gives an `EventStream`. */
export const EventStreamAnswer = z
  .custom<EventStream>((value) => typeof value === 'function')
  .meta({ override: { type: 'string' }, description: 'Server-sent events, as of the HTML standard.' });

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  // The connection is of no use for anything else, and is not waited for at shutdown.
  connection: 'close',
  // nginx would gather events until a buffer is full.
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
  // A client that has left already would never be seen to leave.
  if (!res.destroyed) stream(res);
}
