import { randomBytes } from 'node:crypto';
import type { Clock } from './clock.ts';

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_LENGTH = 10;
const TAIL_LENGTH = 16;

export type Ids = {
  /** Returns a ULID greater than every earlier one. */
  ulid(): string;
  /** Returns `prefix_ULID`. */
  make(prefix: string): string;
};

/** Creates ids that grow within a millisecond and when the clock steps back, so that they can order lists. */
export function createIds(clock: Clock): Ids {
  let lastTime = 0;
  let tail = 0n;
  const ulid = (): string => {
    const now = clock().getTime();
    tail = now > lastTime ? randomTail() : tail + 1n;
    lastTime = Math.max(now, lastTime);
    return encode(BigInt(lastTime), TIME_LENGTH) + encode(tail, TAIL_LENGTH);
  };
  return { ulid, make: (prefix) => `${prefix}_${ulid()}` };
}

/** Returns the ULID of an id such as `api_key_01J…`, if it has one. */
export function ulidOf(id: string): string | undefined {
  return /_(?<ulid>[0-9A-HJKMNP-TV-Z]{26})$/.exec(id)?.groups?.['ulid'];
}

/** Returns 79 random bits of 80, which leaves room to count upwards within a millisecond. */
function randomTail(): bigint {
  return BigInt(`0x${randomBytes(10).toString('hex')}`) >> 1n;
}

function encode(value: bigint, length: number): string {
  let text = '';
  let rest = value;
  for (let index = 0; index < length; index += 1) {
    text = CROCKFORD[Number(rest & 31n)]! + text;
    rest >>= 5n;
  }
  return text;
}
