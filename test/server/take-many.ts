import { setTimeout as sleep } from 'node:timers/promises';
import { parseLease } from '../../src/limits/leases/lease-id.ts';
import type { LimitRequest } from '../../src/limits/limiter.ts';
import { openRedisLink } from '../../src/limits/shared/redis-link.ts';
import { makeSharedLimiter, proveWritable } from '../../src/limits/shared/shared-limiter.ts';

// A replica's worth of callers in a process of its own: when as many as it is told are there, it asks as often as it is
// told, and says how many passed.
type Order = { url: string; prefix: string; processes: number; callers: number; takes: number; request: LimitRequest };

const { url, prefix, processes, callers, takes, request } = JSON.parse(process.argv[2]!) as Order;
const link = openRedisLink({ url, prove: proveWritable, onChange: () => undefined, commandMs: 10_000 });
await link.ready;
const limiter = makeSharedLimiter({ redis: link, leaseSeconds: 60, clock: () => new Date(), prefix });

const waiting = `${prefix}:{together}:waiting`;
await link.run((send) => send(['INCR', waiting]));
await link.run((send) => send(['EXPIRE', waiting, '60']));
while (Number(await link.run((send) => send(['GET', waiting]))) < processes) await sleep(2);

let asked = 0;
let passed = 0;
async function caller(): Promise<void> {
  while (asked++ < takes) {
    const { refused, lease } = await limiter.take(request);
    if (refused === undefined) passed++;
    if (lease) await limiter.release(parseLease(lease.id)!);
  }
}
await Promise.all(Array.from({ length: callers }, caller));
link.close();
process.stdout.write(`passed ${passed}\n`);
