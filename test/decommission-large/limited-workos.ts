import { createServer, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const SECOND_MS = 1_000;

/** What all that stand before one WorkOS have counted together. */
export type Counted = { most: number; refused: number; deletions: number; tooEarly: number };

/**
 * WorkOS's rate limit, which the local WorkOS does not have: more than `limit` requests in any second are 429. A door
 * belongs to one process, so that it can be seen whether that one obeys a `Retry-After`.
 */
export function makeLimit(target: string, limit: number) {
  const counted: Counted = { most: 0, refused: 0, deletions: 0, tooEarly: 0 };
  let recent: number[] = [];

  function isTooMany(now: number): boolean {
    recent = recent.filter((at) => at > now - SECOND_MS);
    recent.push(now);
    counted.most = Math.max(counted.most, recent.length);
    return recent.length > limit;
  }

  return {
    counted,
    /** `refuseAt`: after so many deletions through this proxy one is refused with a time to wait. */
    async open(refuseAt: number, waitSeconds: number): Promise<{ url: string; close(): void }> {
      let deletions = 0;
      let quietUntil = -Infinity;
      const server = createServer((req, res) => {
        const now = performance.now();
        const isDeletion = req.method === 'DELETE';
        if (isDeletion) deletions++;
        // What was under way when the refusal was sent is no disobedience.
        if (isDeletion && now > quietUntil - waitSeconds * SECOND_MS + 250 && now < quietUntil) counted.tooEarly++;
        const isTold = isDeletion && deletions === refuseAt;
        if (isTold) quietUntil = now + waitSeconds * SECOND_MS;
        const tooMany = isTooMany(now);
        if (isTold || tooMany) {
          counted.refused++;
          return refuse(res, isTold ? waitSeconds : 1);
        }
        if (isDeletion) counted.deletions++;
        pass(target, req, res);
      });
      await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
      return {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        close() {
          server.close();
          server.closeAllConnections();
        },
      };
    },
  };
}

function refuse(res: ServerResponse, seconds: number): void {
  res.writeHead(429, { 'retry-after': String(seconds), 'content-type': 'application/json' });
  res.end('{"message":"Too many requests."}');
}

function pass(target: string, req: IncomingMessage, res: ServerResponse): void {
  const { host: _host, ...headers } = req.headers;
  const onward = request(`${target}${req.url}`, { method: req.method, headers }, (answer) => {
    res.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(res);
  });
  onward.once('error', () => res.destroy());
  req.pipe(onward);
}
