import { createHash } from 'node:crypto';
import { ErrorReply } from '@redis/client';

/**
 * Judges and counts at once. Returns the limit that refused (0 none, 1 a rate, 2 concurrency), then the remaining requests
 * and milliseconds of the key's window and of the organization's.
 *
 * KEYS: the key's window, the organization's window, the key's leases. ARGV: cost; limit and length in milliseconds of
 * the key's window, then of the organization's; slots, length of a lease in milliseconds, token. -1 is no limit.
 *
 * A window is a number that expires. A lease is a member of a sorted set, scored by its expiry on this server's clock.
 */
const SCRIPT = `
local cost = tonumber(ARGV[1])

local function look(key, limit, length)
  if limit < 0 then return { limited = false, left = 0, ms = 0 } end
  local ms = redis.call('PTTL', key)
  if ms < 0 then return { limited = true, left = limit, ms = length, fresh = true } end
  local left = limit - tonumber(redis.call('GET', key))
  return { limited = true, left = math.max(0, left), ms = ms, fresh = false }
end

local function count(key, rate)
  if not rate.limited or cost == 0 then return end
  if rate.fresh then
    redis.call('SET', key, ARGV[1], 'PX', rate.ms)
  else
    redis.call('INCRBY', key, ARGV[1])
  end
  rate.left = rate.left - cost
end

local own = look(KEYS[1], tonumber(ARGV[2]), tonumber(ARGV[3]))
local organization = look(KEYS[2], tonumber(ARGV[4]), tonumber(ARGV[5]))

local function answer(refused)
  return { refused, own.left, own.ms, organization.left, organization.ms }
end

if own.limited and cost > own.left then return answer(1) end
if organization.limited and cost > organization.left then return answer(1) end

local slots = tonumber(ARGV[6])
if slots >= 0 then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
  if redis.call('ZCARD', KEYS[3]) >= slots then return answer(2) end
  redis.call('ZADD', KEYS[3], string.format('%.0f', now + tonumber(ARGV[7])), ARGV[8])
  local last = redis.call('ZREVRANGE', KEYS[3], 0, 0, 'WITHSCORES')
  redis.call('PEXPIREAT', KEYS[3], string.format('%.0f', last[2]))
end

count(KEYS[1], own)
count(KEYS[2], organization)
return answer(0)
`;

const SHA = createHash('sha1').update(SCRIPT).digest('hex');

/** Sends one command and returns its answer. */
export type Send = (command: string[]) => Promise<unknown>;

/** Runs the script by its hash, and sends it whole to a server that does not have it, such as a restarted one. */
export async function runTakeScript(send: Send, keys: readonly string[], args: readonly string[]): Promise<TakeReply> {
  const rest = [String(keys.length), ...keys, ...args];
  try {
    return readTakeReply(await send(['EVALSHA', SHA, ...rest]));
  } catch (error) {
    if (!(error instanceof ErrorReply && error.message.startsWith('NOSCRIPT'))) throw error;
    return readTakeReply(await send(['EVAL', SCRIPT, ...rest]));
  }
}

/** One rate as Redis saw it. */
type Reading = { remaining: number; resetMs: number };

export type TakeReply = { refused: 'rate' | 'concurrency' | undefined; own: Reading; organization: Reading };

const REFUSALS = [undefined, 'rate', 'concurrency'] as const;
const REPLY_NUMBERS = 5;

/** @throws TypeError for a reply that the script never gives, such as that of another kind of server */
function readTakeReply(reply: unknown): TakeReply {
  if (!Array.isArray(reply) || reply.length !== REPLY_NUMBERS || !reply.every(Number.isSafeInteger))
    throw new TypeError('the reply is not one of the limit script');
  const [refused, left, resetMs, organizationLeft, organizationResetMs] = reply as [
    number,
    number,
    number,
    number,
    number,
  ];
  if (refused !== 0 && refused !== 1 && refused !== 2) throw new TypeError('the reply is not one of the limit script');
  return {
    refused: REFUSALS[refused],
    own: { remaining: left, resetMs },
    organization: { remaining: organizationLeft, resetMs: organizationResetMs },
  };
}
