import { setTimeout as sleep } from 'node:timers/promises';
import { parseLease } from '../../src/limits/leases/lease-id.ts';
import type { LimitRequest } from '../../src/limits/limiter.ts';
import { openRedisLink } from '../../src/limits/shared/redis-link.ts';
import { makeSharedLimiter, proveWritable } from '../../src/limits/shared/shared-limiter.ts';

// A replica's worth of callers in a process of its own. It asks in rounds, each of which begins when all processes are
// there, so that none of them has taken everything before another is given the processor; then it says how many passed.
type Order = {
  url: string;
  prefix: string;
  processes: number;
  callers: number;
  rounds: number;
  takesEachRound: number;
  request: LimitRequest;
};

const { url, prefix, processes, callers, rounds, takesEachRound, request } = JSON.parse(process.argv[2]!) as Order;
const link = openRedisLink({ url, prove: proveWritable, onChange: () => undefined, commandMs: 10_000 });
await link.ready;
const limiter = makeSharedLimiter({ redis: link, leaseSeconds: 60, clock: () => new Date(), prefix });

/** Returns when every process has called it for the same round. */
async function meet(round: number): Promise<void> {
  const waiting = `${prefix}:{together}:waiting:${round}`;
  await link.run((send) => send(['INCR', waiting]));
  await link.run((send) => send(['EXPIRE', waiting, '60']));
  while (Number(await link.run((send) => send(['GET', waiting]))) < processes) await sleep(2);
}

let asked = 0;
let passed = 0;
async function askUntil(limit: number): Promise<void> {
  while (asked++ < limit) {
    const { refused, lease } = await limiter.take(request);
    if (refused === undefined) passed++;
    if (lease) await limiter.release(parseLease(lease.id)!);
  }
}
for (let round = 0; round < rounds; round++) {
  await meet(round);
  asked = 0;
  await Promise.all(Array.from({ length: callers }, () => askUntil(takesEachRound)));
}
link.close();
process.stdout.write(`passed ${passed}\n`);
