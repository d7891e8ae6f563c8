import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

/** How an answer to a commit gets lost. */
export type CommitLoss =
  /** The server commits, and its answer is lost. */
  | 'after'
  /** The commit does not reach the server, which rolls back. */
  | 'before'
  /** The client is cut off first; the server commits a little later. */
  | 'late';

export type Proxy = {
  /** The database's address, through the proxy. */
  url: string;
  /** Ends every connection now. */
  cut(): void;
  /** Takes no connection any more, as a server that is down; and ends those that are. */
  refuse(on: boolean): void;
  /** Passes nothing on in either direction, and says nothing of it. */
  stall(on: boolean): void;
  /** Loses the answer to a commit: the next one, or the n-th from now. */
  loseCommit(how: CommitLoss, nth?: number): void;
  /** How many commits were lost so far. */
  lost(): number;
  close(): Promise<void>;
};

type Pair = { client: Socket; server: Socket };

const LATE_MS = 400;

/** Stands between the service and PostgreSQL, and does what networks and servers do on bad days. */
export async function startProxy(databaseUrl: string): Promise<Proxy> {
  const target = new URL(databaseUrl);
  const pairs = new Set<Pair>();
  let refusing = false;
  let stalled = false;
  let loss: { how: CommitLoss; after: number } | undefined;
  let lost = 0;

  function loseNow(chunk: Buffer): CommitLoss | undefined {
    if (!loss || !chunk.includes('COMMIT')) return undefined;
    if (loss.after > 0) {
      loss.after -= 1;
      return undefined;
    }
    const { how } = loss;
    loss = undefined;
    lost += 1;
    return how;
  }

  const listener = createServer((client) => {
    if (refusing) {
      client.resetAndDestroy();
      return;
    }
    const server = connect(Number(target.port === '' ? 5432 : target.port), target.hostname);
    const pair = { client, server };
    pairs.add(pair);
    client.on('data', (chunk: Buffer) => {
      const how = loseNow(chunk);
      if (how) loseCommitOf(pair, chunk, how);
      else server.write(chunk);
    });
    server.on('data', (chunk: Buffer) => client.write(chunk));
    if (stalled) hold(pair, true);
    for (const socket of [client, server]) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        // A commit that is under way is not called back by a client that goes.
        if (socket === server || !lateOnes.has(pair)) end(pair, pairs);
      });
    }
  });

  await new Promise<void>((resolve) => {
    listener.listen(0, '127.0.0.1', resolve);
  });
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((listener.address() as AddressInfo).port);
  const cut = () => {
    for (const pair of pairs) end(pair, pairs);
  };
  return {
    url: url.href,
    cut,
    refuse(on) {
      refusing = on;
      if (on) cut();
    },
    stall(on) {
      stalled = on;
      for (const pair of pairs) hold(pair, on);
    },
    loseCommit: (how, nth = 1) => {
      loss = { how, after: nth - 1 };
    },
    lost: () => lost,
    async close() {
      cut();
      await new Promise((resolve) => {
        listener.close(resolve);
      });
    },
  };
}

const lateOnes = new WeakSet<Pair>();

function loseCommitOf(pair: Pair, chunk: Buffer, how: CommitLoss): void {
  const { client, server } = pair;
  if (how === 'late') {
    lateOnes.add(pair);
    setTimeout(() => server.end(chunk), LATE_MS);
  }
  if (how === 'after') {
    server.removeAllListeners('data');
    server.once('data', () => {
      client.resetAndDestroy();
      server.end();
    });
    server.write(chunk);
    return;
  }
  if (how === 'before') server.destroy();
  client.resetAndDestroy();
}

function end(pair: Pair, pairs: Set<Pair>): void {
  pairs.delete(pair);
  pair.client.destroy();
  if (!pair.server.writableEnded) pair.server.destroy();
}

function hold({ client, server }: Pair, on: boolean): void {
  for (const socket of [client, server]) {
    if (on) socket.pause();
    else socket.resume();
  }
}
