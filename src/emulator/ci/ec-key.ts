import { SignJWT, calculateJwkThumbprint, exportJWK, generateKeyPair, jwtVerify } from 'jose';
import type { SigningKey } from '../tokens/signing-keys.ts';

const ALGORITHM = 'ES256';

/** Makes a key on the curve P-256, which lives as long as the process: its tokens are good for minutes. */
export async function makeEcKey(): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  return {
    kid,
    sign: (claims, options = {}) =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: ALGORITHM, kid: options.kid ?? kid, typ: options.typ ?? 'JWT' })
        .sign(privateKey),
    verify: async (token, clock) =>
      (await jwtVerify(token, publicKey, { algorithms: [ALGORITHM], currentDate: clock() }).catch(() => undefined))
        ?.payload,
    jwks: { keys: [{ ...jwk, alg: ALGORITHM, use: 'sig', kid }] },
  };
}
