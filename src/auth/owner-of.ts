import { decodeJwt, errors } from 'jose';
import { AppError } from '../errors.ts';
import type { MachineCaller, UserCaller } from '../http/caller.ts';

type VerifyToken = (token: string, at?: Date) => Promise<UserCaller | MachineCaller>;

/**
 * Returns the user id of a session token of WorkOS, even an expired one; undefined for any other token. It identifies the
 * caller and authorizes nothing.
 */
export function makeOwnerOf(verifyToken: VerifyToken) {
  return async function ownerOf(accessToken: string): Promise<string | undefined> {
    try {
      const { iat = 0 } = decodeJwt(accessToken);
      const caller = await verifyToken(accessToken, new Date(iat * 1_000));
      return caller.kind === 'user' && caller.applicationId === undefined ? caller.userId : undefined;
    } catch (error) {
      if (error instanceof AppError || error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  };
}
