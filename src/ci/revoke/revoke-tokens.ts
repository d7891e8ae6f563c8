import { createHmac, timingSafeEqual } from 'node:crypto';
import type { DerivedKeys } from '../../secrets.ts';

/** A key by its row, or a CI session by the ULID in its id, in its organization. */
export type Revocable = { kind: 'key' | 'session'; organizationId: string; rowId: string };

const TOKEN = /^lkr([vs])_(org_\w{1,60})\.([0-9A-Z]{26})\.([\w-]{43})$/;
const PREFIXES = { key: 'lkrv_', session: 'lkrs_' } as const;

export type RevokeTokens = ReturnType<typeof makeRevokeTokens>;

/** Makes and reads the tokens that end one key or session early. They name it and prove it by an HMAC; nothing is stored. */
export function makeRevokeTokens(keys: DerivedKeys) {
  return {
    make: (of: Revocable): string =>
      `${PREFIXES[of.kind]}${of.organizationId}.${of.rowId}.${macOf(keys[0], of).toString('base64url')}`,

    /** @returns undefined for a token that was not made here */
    read(token: string): Revocable | undefined {
      const [, letter, organizationId, rowId, mac] = TOKEN.exec(token) ?? [];
      if (organizationId === undefined || rowId === undefined || mac === undefined) return undefined;
      const of: Revocable = { kind: letter === 'v' ? 'key' : 'session', organizationId, rowId };
      const given = Buffer.from(mac, 'base64url');
      return keys.some((key) => timingSafeEqual(given, macOf(key, of))) ? of : undefined;
    },
  };
}

const ULID_CHARACTERS = 26;

/** Returns the ULID at the end of an id. */
export function ulidOf(id: string): string {
  return id.slice(-ULID_CHARACTERS);
}

// Ids of organizations begin with org_, so the kinds share no text.
function macOf(key: Buffer, { kind, organizationId, rowId }: Revocable): Buffer {
  const parts = kind === 'key' ? [organizationId, rowId] : [kind, organizationId, rowId];
  return createHmac('sha256', key).update(parts.join('\n')).digest();
}
