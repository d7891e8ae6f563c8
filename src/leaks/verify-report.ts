import { verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { SignedAccess } from '../http/route.ts';
import type { KeyOfOrigin } from './origin-keys.ts';
import { ORIGIN_FACTS, originOfReport } from './origins.ts';
import type { LeakOrigin } from './origins.ts';

const KEY_ID = /^[\x21-\x7e]{1,256}$/;
/** Base64 in its one usual spelling. A signature of P-256 has at most 72 bytes. */
const SIGNATURE = /^(?:[A-Za-z0-9+/]{4}){1,24}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Makes the check of a report's signature, over its bytes, by the public key that its sender names and publishes. */
export function makeVerifyReport(keysOf: ReadonlyMap<LeakOrigin, KeyOfOrigin>): SignedAccess['verify'] {
  const origins = [...keysOf.keys()];
  return async (body, signature, header) => {
    const origin = originOfReport(origins, header);
    if (origin === undefined || !SIGNATURE.test(signature)) return false;
    const keyId = header(ORIGIN_FACTS[origin].keyIdHeader) ?? '';
    if (!KEY_ID.test(keyId)) return false;
    const key = await keysOf.get(origin)!(keyId);
    return key !== undefined && isSigned(body, key, Buffer.from(signature, 'base64'));
  };
}

function isSigned(body: Buffer, key: KeyObject, signature: Buffer): boolean {
  try {
    return verify('sha256', body, { key, dsaEncoding: 'der' }, signature);
  } catch {
    return false;
  }
}
