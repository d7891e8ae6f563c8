import type { WorkOS } from '@workos-inc/node';
import { defaults, seal } from 'iron-webcrypto';
import type { SessionTokens } from './gateway.ts';

/** The format of AuthKit's libraries: one password under id 1, and version 2 of what is sealed. */
const PASSWORD_ID = '1';
const VERSION = '~2';
const MAX_SEALED_BYTES = 16 * 1024;

type Opened = Partial<SessionTokens> & Readonly<Record<string, unknown>>;

/**
 * Seals with the cookie password as AuthKit's libraries do, and opens what they sealed. The SDK opens seals, but seals
 * only what it has signed in itself, with more than the tokens: a browser drops a cookie of more than 4,096 bytes.
 */
export function sealedSessions(workos: WorkOS, cookiePassword: string) {
  const password = { id: PASSWORD_ID, secret: cookiePassword };

  async function unseal(sealed: string): Promise<Opened | undefined> {
    if (Buffer.byteLength(sealed) > MAX_SEALED_BYTES) return undefined;
    return workos.userManagement.getSessionFromCookie({ sessionData: sealed, cookiePassword }).catch(() => undefined);
  }

  return {
    seal: async (data: object, ttlMs: number): Promise<string> =>
      (await seal(data, password, { ...defaults, ttl: ttlMs })) + VERSION,
    unseal,
    async unsealSession(sealed: string): Promise<SessionTokens | undefined> {
      const { accessToken, refreshToken } = (await unseal(sealed)) ?? {};
      return accessToken === undefined ? undefined : { accessToken, refreshToken };
    },
  };
}
