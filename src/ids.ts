import { randomBytes } from 'node:crypto';

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_CHARACTERS = 10;

/** A ULID: 48 bits of milliseconds, 80 random bits, 26 characters; sorts by time. Source: github.com/ulid/spec */
export function ulid(now: Date): string {
  let time = now.getTime();
  let prefix = '';
  for (let i = 0; i < TIME_CHARACTERS; i++) {
    prefix = CROCKFORD[time % 32] + prefix;
    time = Math.floor(time / 32);
  }
  const random = Array.from(randomBytes(16), (byte) => CROCKFORD[byte % 32]).join('');
  return prefix + random;
}
