import { createHmac } from 'node:crypto';

export type HashKey = (presented: string) => Buffer;

/** The keyed hash by which the mirror knows a secret: with the database alone nobody can test a guess. 32 bytes. */
export function makeHashKey(secret: Buffer): HashKey {
  return (presented) => createHmac('sha256', secret).update(presented).digest();
}
