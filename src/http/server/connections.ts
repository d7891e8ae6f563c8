import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Why a connection was cut: too many pipelined requests, answers left unread, or too many connections. */
export type CutReason = 'pipelined' | 'unread' | 'address' | 'full';

export type ConnectionRules = {
  /** The most open connections, of all clients together. */
  max: number;
  /** The most open connections of one client, as `clientOf` names it; 0 for no bound. */
  maxPerAddress: number;
  /** How long an idle connection stays open. */
  keepAliveMs: number;
  clientOf: (address: string | undefined) => string;
  open: { inc: () => void; dec: () => void };
  onCut: (reason: CutReason) => void;
};

type Connection = {
  /** The answer of the current request, or of the last one. */
  running: ServerResponse | undefined;
  waiting: Waiting[];
  /** The bytes that the system has taken, and since when it takes no more. */
  taken: number;
  unreadSinceMs: number | undefined;
};
/** Starts when the answer before it is sent; `res` is the answer of a request. */
type Waiting = { res: ServerResponse | undefined; start: () => void };

/** Pipelined requests of a connection that wait. Each holds some 5 KB. */
const MAX_WAITING = 16;
/** How long a client may read nothing while an answer waits to be sent. */
const UNREAD_MS = 10_000;
const SWEEP_MS = 1_000;

export type Connections = ReturnType<typeof boundConnections>;

/**
 * Answers the requests of a connection one after the other, so that it holds at most one answer in memory. Cuts
 * connections whose client pipelines without end or does not read. Costs one Map look-up for each request.
 */
export function boundConnections(app: RequestListener, rules: ConnectionRules) {
  const open = new Map<Socket, Connection>();

  function cut(socket: Socket, reason: CutReason): void {
    rules.onCut(reason);
    open.get(socket)?.waiting.splice(0);
    socket.destroy();
  }

  function waitFor(socket: Socket, connection: Connection, waiting: Waiting): void {
    if (socket.destroyed) return;
    if (connection.waiting.length >= MAX_WAITING) return cut(socket, 'pipelined');
    connection.waiting.push(waiting);
    if (connection.waiting.length === 1) startAfter(connection, connection.running!);
  }

  return {
    handle(req: IncomingMessage, res: ServerResponse): void {
      const connection = open.get(req.socket);
      if (connection && isBusy(connection)) waitFor(req.socket, connection, { res, start: () => app(req, res) });
      else {
        if (connection) connection.running = res;
        app(req, res);
      }
    },

    /** Refuses an unreadable request after the answers before it, so that no client mistakes it for one of them. */
    refuse(socket: Socket, answer: () => void): void {
      const connection = open.get(socket);
      const last = connection?.waiting.at(-1)?.res ?? connection?.running;
      if (!connection || !last) answer();
      // The body of the request before it is cut off.
      else if (!last.req.complete && (last.headersSent || last !== connection.running)) socket.destroy();
      else if (last.req.complete && isBusy(connection)) waitFor(socket, connection, { res: undefined, start: answer });
      else answer();
    },

    /** Bounds the server's connections from now on. */
    follow(server: Server): void {
      server.maxConnections = rules.max;
      server.on('drop', () => {
        rules.onCut('full');
        // Connections that wait for nothing give way, so that a stranger cannot hold every place by keeping them.
        server.closeIdleConnections();
      });
      server.on('connection', admitBy(rules, open, cut));
      const sweep = setInterval(() => sweepThrough(open, cut), SWEEP_MS).unref();
      server.once('close', () => clearInterval(sweep));
    },
  };
}

type Cut = (socket: Socket, reason: CutReason) => void;

function admitBy(rules: ConnectionRules, open: Map<Socket, Connection>, cut: Cut): (socket: Socket) => void {
  const clients = makeCounts();
  return (socket) => {
    const client = rules.clientOf(socket.remoteAddress);
    if (rules.maxPerAddress > 0 && clients.get(client) >= rules.maxPerAddress) return cut(socket, 'address');
    clients.add(client, 1);
    rules.open.inc();
    open.set(socket, { running: undefined, waiting: [], taken: 0, unreadSinceMs: undefined });
    socket.once('close', () => {
      open.delete(socket);
      clients.add(client, -1);
      rules.open.dec();
    });
  };
}

function sweepThrough(open: ReadonlyMap<Socket, Connection>, cut: Cut): void {
  for (const [socket, connection] of open) {
    if (isUnread(socket, connection)) cut(socket, 'unread');
    // An idle connection need not hold its last answer.
    else if (!isBusy(connection) && connection.running?.req.complete) connection.running = undefined;
  }
}

function isBusy({ running, waiting }: Connection): boolean {
  return waiting.length > 0 || (running !== undefined && !running.writableFinished);
}

function startAfter(connection: Connection, before: ServerResponse): void {
  before.once('close', () => {
    const next = connection.waiting.shift();
    if (!next) return;
    connection.running = next.res;
    if (next.res && connection.waiting.length > 0) startAfter(connection, next.res);
    next.start();
  });
}

/** Whether the system has taken no byte of a waiting answer for too long. */
function isUnread(socket: Socket, connection: Connection): boolean {
  const now = performance.now();
  const taken = socket.bytesWritten - socket.writableLength;
  const isStanding = socket.writableLength > 0 && taken === connection.taken;
  connection.taken = taken;
  if (!isStanding) connection.unreadSinceMs = undefined;
  else connection.unreadSinceMs ??= now;
  return connection.unreadSinceMs !== undefined && now - connection.unreadSinceMs >= UNREAD_MS;
}

function makeCounts() {
  const counts = new Map<string, number>();
  return {
    get: (name: string): number => counts.get(name) ?? 0,
    add(name: string, by: number): void {
      const count = (counts.get(name) ?? 0) + by;
      if (count > 0) counts.set(name, count);
      else counts.delete(name);
    },
  };
}
