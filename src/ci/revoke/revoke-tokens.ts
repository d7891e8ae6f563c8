import { createHmac, timingSafeEqual } from 'node:crypto';
import type { DerivedKeys } from '../../secrets.ts';

/** A key by its row, in its organization. */
export type KeyPlace = { organizationId: string; rowId: string };

const TOKEN = /^lkrv_(org_\w{1,60})\.([0-9A-Z]{26})\.([\w-]{43})$/;

export type RevokeTokens = ReturnType<typeof makeRevokeTokens>;

/** Makes and reads the tokens that end one key early. They name the key and prove it by an HMAC; nothing is stored. */
export function makeRevokeTokens(keys: DerivedKeys) {
  return {
    make: ({ organizationId, rowId }: KeyPlace): string =>
      `lkrv_${organizationId}.${rowId}.${macOf(keys[0], organizationId, rowId).toString('base64url')}`,

    /** @returns undefined for a token that was not made here */
    read(token: string): KeyPlace | undefined {
      const [, organizationId, rowId, mac] = TOKEN.exec(token) ?? [];
      if (organizationId === undefined || rowId === undefined || mac === undefined) return undefined;
      const given = Buffer.from(mac, 'base64url');
      const isOurs = keys.some((key) => timingSafeEqual(given, macOf(key, organizationId, rowId)));
      return isOurs ? { organizationId, rowId } : undefined;
    },
  };
}

function macOf(key: Buffer, organizationId: string, rowId: string): Buffer {
  return createHmac('sha256', key).update(`${organizationId}\n${rowId}`).digest();
}
