import { createHash } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import type { JWTPayload, JWTVerifyGetKey, ProtectedHeaderParameters } from 'jose';
import type { Clock } from '../../clock.ts';
import { AppError } from '../../errors.ts';
import type { Claims } from '../conditions/condition.ts';
import type { IssuerKeys } from '../issuers/issuer-keys.ts';

type Deps = { keysOf: IssuerKeys; clock: Clock };
/** What the token must be: of exactly this issuer, for exactly this audience. */
type Expected = { issuer: string; audience: string; algorithm: string };
export type VerifiedToken = {
  claims: Claims;
  /** The same for every copy of the token, and for no other token. */
  hash: Buffer;
  /** After this time it is accepted no more. */
  usableUntil: Date;
};

const SKEW_SECONDS = 30;
/** A job of GitLab may run for a month, and its token is good as long. */
const MAX_LIFETIME_SECONDS = 31 * 24 * 60 * 60;
/** Headers that name keys of the sender's own, or extensions that are not known here. */
const REFUSED_HEADERS = ['jku', 'jwk', 'x5u', 'x5c', 'crit'] as const;
const MAX_ID = 512;

/**
 * Verifies a CI token. Its issuer and audience are compared before any key is fetched: nothing is asked for a token of
 * another issuer.
 * @throws AppError `credential_invalid`, `credential_expired`, `issuer_unavailable`
 */
export function makeVerifyCiToken({ keysOf, clock }: Deps) {
  return async function verifyCiToken(token: string, expected: Expected): Promise<VerifiedToken> {
    assertForUs(token, expected);
    const { iat, exp, jti, ...claims } = await verify(token, keysOf(expected.issuer), expected.algorithm, clock());
    if (typeof iat !== 'number' || typeof exp !== 'number') throw refused();
    const nowSeconds = clock().getTime() / 1_000;
    if (iat > nowSeconds + SKEW_SECONDS || exp > nowSeconds + MAX_LIFETIME_SECONDS) throw refused();
    return {
      claims,
      hash: hashOf(token, expected.issuer, jti),
      usableUntil: new Date((exp + SKEW_SECONDS) * 1_000),
    };
  };
}

function assertForUs(token: string, { issuer, audience, algorithm }: Expected): void {
  const { header, payload } = peek(token);
  const isPlain = REFUSED_HEADERS.every((name) => !Object.hasOwn(header, name));
  if (!isPlain || header.alg !== algorithm || typeof header.kid !== 'string') throw refused();
  // An audience in a list would let another service of that list present the token here.
  if (payload.iss !== issuer || payload.aud !== audience) throw refused();
}

function peek(token: string): { header: ProtectedHeaderParameters; payload: JWTPayload } {
  try {
    return { header: decodeProtectedHeader(token), payload: decodeJwt(token) };
  } catch (error) {
    throw refused(error);
  }
}

async function verify(token: string, keys: JWTVerifyGetKey, algorithm: string, now: Date): Promise<JWTPayload> {
  try {
    const options = { algorithms: [algorithm], clockTolerance: SKEW_SECONDS, currentDate: now };
    return (await jwtVerify(token, keys, { ...options, requiredClaims: ['iss', 'aud', 'exp', 'iat'] })).payload;
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw refused(error, error instanceof errors.JWTExpired ? 'credential_expired' : 'credential_invalid');
  }
}

/** A token without an id is known by what is signed: its signature could be written in other ways. */
function hashOf(token: string, issuer: string, id: unknown): Buffer {
  const isId = typeof id === 'string' && id !== '' && id.length <= MAX_ID;
  const name = isId ? ['jti', issuer, id] : ['signed', issuer, token.slice(0, token.lastIndexOf('.'))];
  return createHash('sha256').update(JSON.stringify(name)).digest();
}

/** Says nothing about the reason: the sender may be a stranger. */
export function refused(cause?: unknown, code: 'credential_invalid' | 'credential_expired' = 'credential_invalid') {
  return new AppError(code, 'The CI token is not valid for this policy.', { cause });
}
