import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

/**
 * Answers the usual requests of a hot route before Express sees them, exactly as the route would. Passes all others on:
 * untouched, or with the body that it has read in `req.body`.
 */
export type FastPath = {
  handles: (method: string | undefined, url: string) => boolean;
  handle: (req: IncomingMessage, res: ServerResponse, pass: () => void) => void;
};

export function withFastPaths(app: RequestListener, fastPaths: readonly FastPath[]): RequestListener {
  return (req, res) => {
    const { method, url = '' } = req;
    const fastPath = fastPaths.find(({ handles }) => handles(method, url));
    if (fastPath) fastPath.handle(req, res, () => app(req, res));
    else app(req, res);
  };
}

/** Header names and values in turn: what `writeHead` takes fastest. */
export type FlatHeaders = readonly string[];

export type Answer = {
  status: number;
  json: string;
  headers: FlatHeaders;
  /** Called once the operating system has the answer. */
  sent: () => void;
  /** Called with what `sent` or the write itself threw. */
  failed: (error: unknown) => void;
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
 * Answers with JSON as `asciiJson` or `utf8Json` writes it: one byte a character, so that nothing counts or encodes them.
 *
 * All answers of one turn of the event loop are written together at its end. Each write may have to wake its reader,
 * which goes back to sleep if other work comes before the next write. docs/explanation/verification.md says what it saves.
 */
export function sendJson(res: ServerResponse, answer: Answer): void {
  if (waiting.length === 0) setImmediate(writeAll);
  waiting.push({ res, answer });
}

type Waiting = { res: ServerResponse; answer: Answer };
let waiting: Waiting[] = [];

function writeAll(): void {
  const writes = waiting;
  waiting = [];
  for (const { res, answer } of writes) {
    try {
      write(res, answer);
    } catch (error) {
      // The other answers of the turn are not to blame.
      if (!res.writableEnded) res.destroy();
      answer.failed(error);
    }
  }
}

function write(res: ServerResponse, { status, json, headers, sent }: Answer): void {
  res.writeHead(status, [...ALWAYS, 'content-length', String(json.length), ...headers]);
  res.end(json, 'latin1');
  sent();
}
