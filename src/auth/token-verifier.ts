import { decodeJwt, errors, jwtVerify } from 'jose';
import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { MachineCaller, UserCaller } from '../http/caller.ts';
import { credentialInvalid } from './credentials.ts';

type Deps = {
  clientId: string;
  /** Accepted issuers of people's sessions. */
  sessionIssuers: readonly string[];
  sessionKeys: JWTVerifyGetKey;
  /** The AuthKit domain that issues machine tokens, without a trailing slash; without it there are none. */
  machineIssuer: string | undefined;
  machineKeys: JWTVerifyGetKey | undefined;
  /** Scopes with all that they imply. */
  implying: (scopes: readonly string[]) => ReadonlySet<string>;
  clock: Clock;
};

const ALGORITHMS = ['RS256'];
const SKEW_SECONDS = 5;
const MAX_SCOPES = 500;
/** The last that is a date. */
const MAX_SECONDS = 8_640_000_000_000;

const id = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[\w.@|:-]+$/);
const audience = z.union([z.string(), z.array(z.string())]).transform((aud) => [aud].flat());

const SessionClaims = z.object({
  sub: id,
  sid: id,
  iat: z.number().min(0).max(MAX_SECONDS),
  exp: z.number(),
  org_id: id.optional(),
  role: z.string().max(128).optional(),
  permissions: z.array(z.string().max(128)).max(MAX_SCOPES).default([]),
  client_id: z.string().optional(),
  aud: audience.optional(),
});

const MachineClaims = z.object({
  sub: id,
  org_id: id.optional(),
  scope: z.string().max(8_192).default(''),
  aud: audience,
});

/**
 * Turns a WorkOS token into its caller. A person's session has a session id and one of the session issuers; a machine
 * token has neither a session id nor a person, and comes from the AuthKit domain, under keys of its own.
 * @throws AppError `credential_expired`, `credential_invalid`, `permission_denied`, `workos_unavailable`
 */
export function makeTokenVerifier(deps: Deps) {
  return async function verifyToken(token: string): Promise<UserCaller | MachineCaller> {
    const claimed = peek(token);
    const isSession = typeof claimed.sid === 'string';
    const issuers = isSession ? deps.sessionIssuers : machineIssuers(deps.machineIssuer);
    const keys = isSession ? deps.sessionKeys : deps.machineKeys;
    if (!keys || typeof claimed.iss !== 'string' || !issuers.includes(claimed.iss)) throw credentialInvalid();
    const claims = await verify(token, keys, claimed.iss, deps.clock);
    return isSession ? toUser(claims, deps) : toMachine(claims, deps);
  };
}

// Only to choose whose keys to ask; nothing here is believed before the signature is checked.
function peek(token: string): JWTPayload & { sid?: unknown } {
  try {
    return decodeJwt(token);
  } catch (error) {
    throw credentialInvalid(undefined, error);
  }
}

function machineIssuers(url: string | undefined): string[] {
  return url === undefined ? [] : [url, `${url}/`];
}

async function verify(token: string, keys: JWTVerifyGetKey, issuer: string, clock: Clock): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ALGORITHMS,
      issuer,
      clockTolerance: SKEW_SECONDS,
      currentDate: clock(),
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

function toUser(payload: JWTPayload, { clientId, implying }: Deps): UserCaller {
  const claims = readClaims(SessionClaims, payload);
  const foreign = claims.client_id !== undefined && claims.client_id !== clientId;
  if (foreign || (claims.aud && !claims.aud.includes(clientId))) throw credentialInvalid();
  return {
    kind: 'user',
    organizationId: organizationOf(claims.org_id),
    userId: claims.sub,
    sessionId: claims.sid,
    expiresAt: new Date(claims.exp * 1_000),
    role: claims.role,
    issuedAt: new Date(claims.iat * 1_000),
    scopes: implying(claims.permissions),
  };
}

function toMachine(payload: JWTPayload, { clientId, implying }: Deps): MachineCaller {
  const claims = readClaims(MachineClaims, payload);
  if (!claims.aud.includes(clientId)) throw credentialInvalid();
  const scopes = claims.scope.split(' ').filter((scope) => scope !== '');
  return {
    kind: 'machine',
    organizationId: organizationOf(claims.org_id),
    clientId: claims.sub,
    scopes: implying(scopes),
  };
}

function readClaims<S extends z.ZodType>(schema: S, payload: JWTPayload): z.output<S> {
  const parsed = schema.safeParse(payload);
  if (!parsed.success) throw credentialInvalid(undefined, parsed.error);
  return parsed.data;
}

function organizationOf(organizationId: string | undefined): string {
  if (organizationId !== undefined) return organizationId;
  throw new AppError('permission_denied', 'This session belongs to no organization. Sign in to one.');
}
