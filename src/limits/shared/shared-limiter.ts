import type { Clock } from '../../clock.ts';
import { leaseId, makeTokens } from '../leases/lease-id.ts';
import type { LeasedSlot, LimitRequest, Limiter, RateTaken, Taken } from '../limiter.ts';
import type { RateLimit } from '../limits.ts';
import {
  NOT_LIMITED,
  SLOT_RETRY_SECONDS,
  isBounded,
  leastLeft,
  rateState,
  refusing,
  wholeSeconds,
} from '../rate-state.ts';
import type { RedisLink } from './redis-link.ts';
import { runTakeScript } from './take-script.ts';
import type { Send } from './take-script.ts';

type Options = {
  redis: Pick<RedisLink, 'run'>;
  leaseSeconds: number;
  /** Calendar time, for the published expiry of a lease; Redis's own clock decides. */
  clock: Clock;
  /** The prefix of every name in Redis. */
  prefix?: string;
};

const NONE = '-1';
const PREFIX = 'latchkey';

/**
 * Counts requests of all replicas in Redis or Valkey: exactly, in one round trip.
 * @throws any failure of the connection
 */
export function makeSharedLimiter({ redis, leaseSeconds, clock, prefix = PREFIX }: Options): Limiter {
  const leaseMs = leaseSeconds * 1_000;
  const nextToken = makeTokens();

  // The part in braces chooses the node of a cluster, so that one script finds all its keys on it.
  const windowOf = (organizationId: string, keyId: string, rate: RateLimit | undefined) =>
    `${prefix}:{${organizationId}}:rate:${keyId}:${rate?.windowSeconds ?? 0}`;
  const leasesOf = (organizationId: string, keyId: string) => `${prefix}:{${organizationId}}:leases:${keyId}`;

  async function judge({ organizationId, keyId, limits, cost, lease }: LimitRequest): Promise<Taken> {
    const { rate, organizationRate, concurrency } = limits;
    const wantsSlot = lease && concurrency !== undefined;
    const slot: LeasedSlot | undefined = wantsSlot ? { organizationId, keyId, token: nextToken() } : undefined;
    const keys = [
      windowOf(organizationId, keyId, rate),
      windowOf(organizationId, '', organizationRate),
      leasesOf(organizationId, keyId),
    ];
    const slots = wantsSlot ? [String(concurrency), String(leaseMs)] : [NONE, NONE];
    const args = [String(cost), ...ofRate(rate), ...ofRate(organizationRate), ...slots, slot?.token ?? ''];
    const reply = await redis.run((send) => runTakeScript(send, keys, args));
    const own = rate && rateState('key', rate, reply.own);
    const shared = organizationRate && rateState('organization', organizationRate, reply.organization);
    const refused = reply.refused === 'rate' ? refusing(own, shared, cost) : undefined;
    return {
      refused: reply.refused,
      retryAfterSeconds: reply.refused && (refused?.resetSeconds ?? SLOT_RETRY_SECONDS),
      rate: refused ?? leastLeft(own, shared),
      lease:
        slot && reply.refused === undefined
          ? { id: leaseId(slot), expiresAt: new Date(clock().getTime() + leaseMs) }
          : undefined,
      enforcement: 'shared',
    };
  }

  async function takeRate(name: string, rate: RateLimit, cost: number): Promise<RateTaken> {
    // The script takes three names, and does not touch the other two here.
    const key = `${prefix}:{${name}}:named:${rate.windowSeconds}`;
    const args = [String(cost), ...ofRate(rate), NONE, NONE, NONE, NONE, ''];
    const { refused, own } = await redis.run((send) => runTakeScript(send, [key, key, key], args));
    const resetSeconds = wholeSeconds(own.resetMs);
    return { refused: refused !== undefined, remaining: own.remaining, resetSeconds, enforcement: 'shared' };
  }

  return {
    take: (request) => (isBounded(request) ? judge(request) : NOT_LIMITED),
    takeRate,
    async release({ organizationId, keyId, token }) {
      await redis.run((send) => send(['ZREM', leasesOf(organizationId, keyId), token]));
    },
  };
}

function ofRate(rate: RateLimit | undefined): [limit: string, lengthMs: string] {
  return rate ? [String(rate.limit), String(rate.windowSeconds * 1_000)] : [NONE, NONE];
}

/** Proves that a server takes writes, by counting once under a name that expires in a second. */
export async function proveWritable(send: Send, prefix = PREFIX): Promise<void> {
  const key = `${prefix}:{probe}`;
  await runTakeScript(send, [key, key, key], ['1', '1000000', '1000', NONE, NONE, NONE, NONE, '']);
}
