import type { Request } from 'express';
import { AppError } from '../errors.ts';
import type {
  ApiKeyCaller,
  Caller,
  CallerOrigin,
  CiCaller,
  MachineCaller,
  ServiceCaller,
  UserCaller,
} from '../http/caller.ts';
import { originOf } from '../http/caller.ts';
import { credentialInvalid, readCredentials } from './credentials.ts';
import type { FailedCredentials } from '../limits/guesses/failed-credentials.ts';
import type { Credential, Presented } from './credentials.ts';
import { keysInQuery } from './query-keys.ts';
import type { KeyPlace } from './query-keys.ts';
import { assertSameOrigin } from './same-origin.ts';
import type { SessionCookies } from './session-cookie.ts';

/** @throws AppError when the key is good for nothing, or its address is over its limit */
type FindApiKey = (presented: string, from: CallerOrigin) => Promise<ApiKeyCaller>;

type Deps = {
  /** Whether a credential has the form of an API key. */
  isKey: (token: string) => boolean;
  verifyToken: (token: string) => Promise<UserCaller | MachineCaller>;
  findServiceToken: (token: string) => ServiceCaller | undefined;
  findApiKey: FindApiKey;
  /** @throws AppError for a CI session that is not there, has ended, or may do nothing now */
  findCiSession: (token: string) => Promise<CiCaller>;
  /** @throws AppError for an opaque token of no session, of one that is over, or that cannot be renewed now */
  findUserSession: (token: string, from: CallerOrigin) => Promise<UserCaller>;
  /** Returns the access token of a sealed session cookie. */
  unsealSession: (sealed: string) => Promise<{ accessToken: string } | undefined>;
  cookies: Pick<SessionCookies, 'read'>;
  failures: Pick<FailedCredentials, 'count' | 'refusal' | 'headersOf'>;
};

type Kind = 'jwt' | 'service' | 'ci_session' | 'user_session' | 'api_key';

const SERVICE_PREFIX = 'svc_';
const CI_SESSION_PREFIX = 'lkcs_';
const USER_SESSION_PREFIX = 'lkus_';

/**
 * Identifies the caller of a request by its credential, whose shape says its kind. Refuses an unknown credential, and two
 * that differ. Invalid credentials count against the address; over its limit they are 429, while valid ones pass.
 * @throws AppError `credential_missing`, `credential_invalid`, `credential_expired`, `rate_limited`
 */
export function makeAuthenticate(deps: Deps) {
  const kindOf = (token: string): Kind | undefined => {
    // Keys of an import may begin with any letters; a JWT has dots, which no key has.
    if (token.startsWith('eyJ')) return deps.isKey(token) ? 'api_key' : 'jwt';
    if (token.startsWith(SERVICE_PREFIX)) return 'service';
    if (token.startsWith(CI_SESSION_PREFIX)) return 'ci_session';
    if (token.startsWith(USER_SESSION_PREFIX)) return 'user_session';
    return deps.isKey(token) ? 'api_key' : undefined;
  };

  const read = (req: Request, place?: KeyPlace): Presented =>
    readCredentials(req, { keys: keysInQuery(req, place), readCookie: deps.cookies.read });

  async function identify(req: Request, place?: KeyPlace): Promise<Caller | { apiKey: string }> {
    const { tokens, cookie } = read(req, place);
    for (const token of tokens) assertPlace(token, kindOf(token.token));
    const fromCookie = cookie === undefined ? undefined : await unseal(deps, cookie);
    const token = theOne([...tokens.map(({ token }) => token), ...(fromCookie === undefined ? [] : [fromCookie])]);
    if (tokens.length === 0) assertSameOrigin(req);
    const kind = kindOf(token);
    return kind === 'api_key' ? { apiKey: token } : resolve(deps, req, { token, kind });
  }

  async function callerOf(req: Request, place?: KeyPlace, findApiKey = deps.findApiKey): Promise<Caller> {
    const found = await identify(req, place).catch((error: unknown) => failed(deps, req, error));
    if (!('apiKey' in found)) return found;
    // `findApiKey` has counted an unknown key as a failure.
    return findApiKey(found.apiKey, originOf(req));
  }

  return async function authenticate(req: Request, place?: KeyPlace, findApiKey?: FindApiKey): Promise<Caller> {
    try {
      return await callerOf(req, place, findApiKey);
    } catch (error) {
      for (const [name, value] of Object.entries(deps.failures.headersOf(error))) req.res?.setHeader(name, value);
      throw named(error, () => read(req, place), kindOf);
    }
  };
}

/** Counts an invalid credential. An expired one was valid once, and is no guess. */
async function failed({ failures }: Deps, req: Request, error: unknown): Promise<never> {
  if (!(error instanceof AppError) || error.code !== 'credential_invalid') throw error;
  const over = await failures.count({ address: req.ip });
  throw over === undefined ? error : failures.refusal(over);
}

function assertPlace({ source }: Credential, kind: Kind | undefined): void {
  const fits =
    kind !== undefined &&
    (source === 'bearer' || (source === 'x-access-token' ? isOfPeople(kind) : kind === 'api_key'));
  if (!fits) throw credentialInvalid();
}

const isOfPeople = (kind: Kind) => kind === 'jwt' || kind === 'user_session';

async function unseal({ unsealSession }: Deps, cookie: string): Promise<string> {
  const session = await unsealSession(cookie);
  if (session === undefined) throw credentialInvalid('The session cookie is not valid.');
  return session.accessToken;
}

function theOne(tokens: readonly string[]): string {
  const [token, ...others] = new Set(tokens);
  if (token === undefined) throw new AppError('credential_missing', 'Send a session, a machine token or an API key.');
  if (others.length > 0) throw credentialInvalid('The request has two different credentials. Send one.');
  return token;
}

type Resolved = { token: string; kind: Kind | undefined };

async function resolve(deps: Deps, req: Request, { token, kind }: Resolved): Promise<Caller> {
  if (kind === 'jwt') return deps.verifyToken(token);
  if (kind === 'ci_session') return deps.findCiSession(token);
  if (kind === 'user_session') return deps.findUserSession(token, originOf(req));
  const caller = kind === 'service' ? deps.findServiceToken(token) : undefined;
  if (!caller) throw credentialInvalid();
  return caller;
}

type KindOf = (token: string) => Kind | undefined;
type Named =
  | 'none'
  | 'several'
  | 'api_key'
  | 'access_token'
  | 'service_token'
  | 'ci_session'
  | 'session_cookie'
  | 'unknown';
const NAMES: Readonly<Record<Kind, Named>> = {
  jwt: 'access_token',
  service: 'service_token',
  ci_session: 'ci_session',
  user_session: 'access_token',
  api_key: 'api_key',
};

/** Adds the kind of the refused credential to a 401, as `details.credential`. */
function named(error: unknown, read: () => Presented, kindOf: KindOf): unknown {
  if (!(error instanceof AppError) || error.status !== 401 || error.details?.['credential'] !== undefined) return error;
  const details = { ...error.details, credential: nameOf(read, kindOf) };
  return new AppError(error.code, error.message, { cause: error.cause, details });
}

function nameOf(read: () => Presented, kindOf: KindOf): Named {
  try {
    const { tokens, cookie } = read();
    const names = new Set(tokens.map(({ token, source }) => nameOfToken(kindOf(token), source)));
    if (cookie !== undefined) names.add('session_cookie');
    const [name = 'none', ...others] = names;
    return others.length === 0 ? name : 'several';
  } catch {
    return 'unknown';
  }
}

/** A token of unknown shape has the kind that its header is for. */
function nameOfToken(kind: Kind | undefined, source: Credential['source']): Named {
  if (kind !== undefined) return NAMES[kind];
  if (source === 'bearer') return 'unknown';
  return source === 'x-access-token' ? 'access_token' : 'api_key';
}
