import { randomBytes } from 'node:crypto';

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_CHARACTERS = 10;

/** A ULID: 48 bits of milliseconds, 80 random bits, 26 characters; sorts by time. Source: github.com/ulid/spec */
export function ulid(now: Date): string {
  const random = Array.from(randomBytes(16), (byte) => CROCKFORD[byte % 32]).join('');
  return ulidTime(now) + random;
}

/** How the ULIDs of a millisecond begin: it sorts after all that are older. A time before 1970 counts as 1970. */
export function ulidTime(at: Date): string {
  let time = Math.max(0, at.getTime());
  let prefix = '';
  for (let i = 0; i < TIME_CHARACTERS; i++) {
    prefix = CROCKFORD[time % 32] + prefix;
    time = Math.floor(time / 32);
  }
  return prefix;
}

// WorkOS's ids and ours are short words. Any other text is refused before it reaches the database.
/** Any id: of a key, a person, a session, a machine client, an event. */
export const ID = /^\w{1,64}$/;
/** The id of a WorkOS event, which is an item's name here. */
export const EVENT_ID = /^[\x21-\x7e]{1,64}$/;
/** The id of an actor; WorkOS names an impersonator by e-mail address. */
export const ACTOR_ID = /^[\x21-\x7e]{1,254}$/;
export const ORGANIZATION_ID = /^org_\w{1,60}$/;
/** The id of a WorkOS user. */
export const USER_ID = /^user_\w{1,59}$/;
export const NO_ORGANIZATION_ID = 'Give the id of a WorkOS organization (org_…).';
/** Ids of imported keys begin so; WorkOS knows none of them. */
export const IMPORTED_ID_PREFIX = 'imp_';
