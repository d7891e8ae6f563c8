import { decodeJwt, errors, jwtVerify } from 'jose';
import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { MachineCaller, UserCaller } from '../http/caller.ts';
import { ACTOR_ID, ID, ORGANIZATION_ID } from '../ids.ts';
import { credentialInvalid } from './credentials.ts';

type Deps = {
  /** The applications whose tokens are accepted. */
  clientIds: readonly string[];
  isSessionIssuer: (issuer: string) => boolean;
  sessionKeys: JWTVerifyGetKey;
  /** WorkOS Connect: the AuthKit domain, without a trailing slash, and its JWKS; undefined: no such tokens. */
  connect: { issuer: string; keys: JWTVerifyGetKey } | undefined;
  logRefusedIssuer: (issuer: string) => void;
  /** Returns scopes with all that they imply. */
  implying: (scopes: readonly string[]) => ReadonlySet<string>;
  clock: Clock;
};

const ALGORITHMS = ['RS256'];
const SKEW_SECONDS = 5;
const MAX_SCOPES = 500;
/** The last second that a Date can hold. */
const MAX_SECONDS = 8_640_000_000_000;

const id = z.string().regex(ID);
const organizationId = z.string().regex(ORGANIZATION_ID);
/** The impersonator. A token with another form of `act` is invalid. */
const actor = z.object({ sub: z.string().regex(ACTOR_ID) }).optional();
const audience = z.union([z.string(), z.array(z.string())]).transform((aud) => [aud].flat());

const SessionClaims = z.object({
  sub: id,
  sid: id,
  iat: z.number().min(0).max(MAX_SECONDS),
  exp: z.number(),
  org_id: organizationId.optional(),
  role: z.string().max(128).optional(),
  permissions: z.array(z.string().max(128)).max(MAX_SCOPES).default([]),
  client_id: z.string().optional(),
  aud: audience.optional(),
  act: actor,
});

const ConnectClaims = z.object({
  sub: id,
  org_id: organizationId.optional(),
  scope: z.string().max(8_192).default(''),
  aud: audience,
});
/** `sid` is the user's consent, not a session. */
const ApplicationClaims = ConnectClaims.extend({
  sid: id,
  client_id: id,
  iat: z.number().min(0).max(MAX_SECONDS),
  exp: z.number(),
  act: actor,
});

export type TokenVerifier = ReturnType<typeof makeTokenVerifier>;

/**
 * Turns a token of WorkOS into its caller. A token of WorkOS Connect has the AuthKit domain as issuer and is signed by its
 * JWKS: it is a machine's, or a user's who lets an application act. Any other token is a user's session.
 * @throws AppError `credential_expired`, `credential_invalid`, `permission_denied`, `workos_unavailable`
 */
export function makeTokenVerifier(deps: Deps) {
  /** @param at judges the expiry at this time instead of now */
  return async function verifyToken(token: string, at?: Date): Promise<UserCaller | MachineCaller> {
    const now = at ?? deps.clock();
    const claimed = peek(token);
    const { iss } = claimed;
    if (typeof iss !== 'string') throw credentialInvalid();
    const readers = readersFor(deps, claimed, iss);
    if (readers.length === 0) {
      deps.logRefusedIssuer(iss);
      throw credentialInvalid();
    }
    let failure: unknown;
    for (const { keys, read } of readers) {
      try {
        return read(await verify(token, keys, iss, now), deps);
      } catch (error) {
        // Only an unknown key id lets the next reader try.
        if (!isForeignKey(error)) throw error;
        failure = error;
      }
    }
    throw failure;
  };
}

type Reader = { keys: JWTVerifyGetKey; read: (payload: JWTPayload, deps: Deps) => UserCaller | MachineCaller };

/** Behind a custom domain a session may have Connect's issuer; the likelier reader comes first. */
function readersFor({ connect, isSessionIssuer, sessionKeys }: Deps, claimed: Claimed, iss: string): Reader[] {
  const isConnect = connect !== undefined && (iss === connect.issuer || iss === `${connect.issuer}/`);
  const hasSession = typeof claimed.sid === 'string';
  const ofConnect = isConnect ? [{ keys: connect.keys, read: hasSession ? toApplication : toMachine }] : [];
  const ofSessions = hasSession && isSessionIssuer(iss) ? [{ keys: sessionKeys, read: toUser }] : [];
  return typeof claimed.scope === 'string' ? [...ofConnect, ...ofSessions] : [...ofSessions, ...ofConnect];
}

function isForeignKey(error: unknown): boolean {
  return error instanceof AppError && error.cause instanceof errors.JWKSNoMatchingKey;
}

type Claimed = JWTPayload & { sid?: unknown; scope?: unknown };

// Only to choose the JWKS; no claim is trusted before the signature is verified.
function peek(token: string): Claimed {
  try {
    return decodeJwt(token);
  } catch (error) {
    throw credentialInvalid(undefined, error);
  }
}

async function verify(token: string, keys: JWTVerifyGetKey, issuer: string, now: Date): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ALGORITHMS,
      issuer,
      clockTolerance: SKEW_SECONDS,
      currentDate: now,
      requiredClaims: ['exp', 'iat', 'sub'],
    });
    return payload;
  } catch (error) {
    if (error instanceof AppError) throw error;
    if (error instanceof errors.JWTExpired) {
      throw new AppError('credential_expired', 'The session or token has expired.', { cause: error });
    }
    throw credentialInvalid(undefined, error);
  }
}

function toUser(payload: JWTPayload, { clientIds, implying }: Deps): UserCaller {
  const claims = readClaims(SessionClaims, payload);
  const foreign = claims.client_id !== undefined && !clientIds.includes(claims.client_id);
  if (foreign || (claims.aud && !isFor(claims.aud, clientIds))) throw credentialInvalid();
  return {
    kind: 'user',
    organizationId: organizationOf(claims.org_id),
    userId: claims.sub,
    sessionId: claims.sid,
    expiresAt: new Date(claims.exp * 1_000),
    role: claims.role,
    impersonator: claims.act?.sub,
    issuedAt: new Date(claims.iat * 1_000),
    scopes: implying(claims.permissions),
  };
}

function toMachine(payload: JWTPayload, { clientIds, implying }: Deps): MachineCaller {
  const claims = readClaims(ConnectClaims, payload);
  if (!isFor(claims.aud, clientIds)) throw credentialInvalid();
  return {
    kind: 'machine',
    organizationId: organizationOf(claims.org_id),
    clientId: claims.sub,
    scopes: implying(scopesOf(claims.scope)),
  };
}

/** Users may consent to any application; only configured ones may act here. */
function toApplication(payload: JWTPayload, { clientIds, implying }: Deps): UserCaller {
  const claims = readClaims(ApplicationClaims, payload);
  if (!isFor(claims.aud, clientIds) || !clientIds.includes(claims.client_id)) throw credentialInvalid();
  return {
    kind: 'user',
    organizationId: organizationOf(claims.org_id),
    userId: claims.sub,
    sessionId: claims.sid,
    applicationId: claims.client_id,
    issuedAt: new Date(claims.iat * 1_000),
    expiresAt: new Date(claims.exp * 1_000),
    role: undefined,
    impersonator: claims.act?.sub,
    scopes: implying(scopesOf(claims.scope)),
  };
}

function isFor(audiences: readonly string[], clientIds: readonly string[]): boolean {
  return audiences.some((one) => clientIds.includes(one));
}

function scopesOf(scope: string): string[] {
  return scope.split(' ').filter((one) => one !== '');
}

function readClaims<S extends z.ZodType>(schema: S, payload: JWTPayload): z.output<S> {
  const parsed = schema.safeParse(payload);
  if (!parsed.success) throw credentialInvalid(undefined, parsed.error);
  return parsed.data;
}

function organizationOf(organizationId: string | undefined): string {
  if (organizationId !== undefined) return organizationId;
  throw new AppError('permission_denied', 'This token belongs to no organization. Sign in to one.');
}
