import { errors } from 'jose';
import type { JWTVerifyGetKey } from 'jose';

/** Several JWKS as one: the first that has the key. One that cannot be fetched hides a key only if no other has it. */
export function anyKeySet(sets: readonly JWTVerifyGetKey[]): JWTVerifyGetKey {
  const [only, ...others] = sets;
  if (only !== undefined && others.length === 0) return only;
  return async (header, token) => {
    let failure: unknown = new errors.JWKSNoMatchingKey();
    for (const set of sets) {
      try {
        return await set(header, token);
      } catch (error) {
        if (failure instanceof errors.JWKSNoMatchingKey) failure = error;
      }
    }
    throw failure;
  };
}
