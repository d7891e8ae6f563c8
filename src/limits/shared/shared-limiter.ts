import type { Clock } from '../../clock.ts';
import { leaseId, makeTokens } from '../leases/lease-id.ts';
import type { LeasedPlace, LimitRequest, Limiter, RateTaken, Taken } from '../limiter.ts';
import type { RateLimit } from '../limits.ts';
import {
  NOT_LIMITED,
  PLACE_RETRY_SECONDS,
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
  /** Calendar time, for the end of a lease as it is told; Redis' own clock decides. */
  clock: Clock;
  /** What every name in Redis begins with. */
  prefix?: string;
};

const NONE = '-1';
const PREFIX = 'latchkey';

/**
 * Counts in Redis or Valkey, exactly, for all replicas on it, in one round trip.
 * Whatever the connection throws, it throws.
 */
export function makeSharedLimiter({ redis, leaseSeconds, clock, prefix = PREFIX }: Options): Limiter {
  const leaseMs = leaseSeconds * 1_000;
  const nextToken = makeTokens();

  // What is in braces decides the node of a cluster: all that one script touches is together.
  const windowOf = (organizationId: string, keyId: string, rate: RateLimit | undefined) =>
    `${prefix}:{${organizationId}}:rate:${keyId}:${rate?.windowSeconds ?? 0}`;
  const leasesOf = (organizationId: string, keyId: string) => `${prefix}:{${organizationId}}:leases:${keyId}`;

  async function judge({ organizationId, keyId, limits, cost, lease }: LimitRequest): Promise<Taken> {
    const { rate, organizationRate, concurrency } = limits;
    const wantsPlace = lease && concurrency !== undefined;
    const place: LeasedPlace | undefined = wantsPlace ? { organizationId, keyId, token: nextToken() } : undefined;
    const keys = [
      windowOf(organizationId, keyId, rate),
      windowOf(organizationId, '', organizationRate),
      leasesOf(organizationId, keyId),
    ];
    const places = wantsPlace ? [String(concurrency), String(leaseMs)] : [NONE, NONE];
    const args = [String(cost), ...ofRate(rate), ...ofRate(organizationRate), ...places, place?.token ?? ''];
    const reply = await redis.run((send) => runTakeScript(send, keys, args));
    const own = rate && rateState('key', rate, reply.own);
    const shared = organizationRate && rateState('organization', organizationRate, reply.organization);
    const refused = reply.refused === 'rate' ? refusing(own, shared, cost) : undefined;
    return {
      refused: reply.refused,
      retryAfterSeconds: reply.refused && (refused?.resetSeconds ?? PLACE_RETRY_SECONDS),
      rate: refused ?? leastLeft(own, shared),
      lease:
        place && reply.refused === undefined
          ? { id: leaseId(place), expiresAt: new Date(clock().getTime() + leaseMs) }
          : undefined,
      enforcement: 'shared',
    };
  }

  async function takeRate(name: string, rate: RateLimit, cost: number): Promise<RateTaken> {
    // The script wants three names; the other two are not touched.
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

/** Counts once, under a name that ends in a second: only a server that lets us write counts for anybody. */
export async function proveWritable(send: Send, prefix = PREFIX): Promise<void> {
  const key = `${prefix}:{probe}`;
  await runTakeScript(send, [key, key, key], ['1', '1000000', '1000', NONE, NONE, NONE, NONE, '']);
}
