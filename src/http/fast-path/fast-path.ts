import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

/**
 * Answers the usual requests of a hot route before Express sees them, and passes all others on: untouched, or with
 * the body that it has read in `req.body`. What it answers is what the route would have answered.
 */
export type FastLane = {
  handles: (method: string | undefined, url: string) => boolean;
  handle: (req: IncomingMessage, res: ServerResponse, pass: () => void) => void;
};

export function withFastLanes(app: RequestListener, lanes: readonly FastLane[]): RequestListener {
  return (req, res) => {
    const { method, url = '' } = req;
    const lane = lanes.find(({ handles }) => handles(method, url));
    if (lane) lane.handle(req, res, () => app(req, res));
    else app(req, res);
  };
}

/** Header names and values in turn: what `writeHead` takes fastest. */
export type FlatHeaders = readonly string[];

export type Answer = {
  status: number;
  json: string;
  headers: FlatHeaders;
  /** Told when it is with the system. */
  sent: () => void;
};

const ALWAYS: FlatHeaders = [
  'content-type',
  'application/json; charset=utf-8',
  'cache-control',
  'no-store',
  'x-content-type-options',
  'nosniff',
];

/**
 * Answers with JSON as `asciiJson` writes it: a character is a byte, which nobody need count or encode.
 *
 * What is answered in one turn of the event loop is written together, at its end. Each write may have to wake whoever
 * reads it, who has gone to sleep again by the next if there is work in between: on one machine that was a fifth of a
 * request.
 */
export function sendJson(res: ServerResponse, { status, json, headers, sent }: Answer): void {
  atEndOfTurn(() => {
    res.writeHead(status, [...ALWAYS, 'content-length', String(json.length), ...headers]);
    res.end(json, 'latin1');
    sent();
  });
}

let waiting: (() => void)[] = [];

function atEndOfTurn(write: () => void): void {
  if (waiting.length === 0) setImmediate(writeAll);
  waiting.push(write);
}

function writeAll(): void {
  const writes = waiting;
  waiting = [];
  for (const write of writes) write();
}
