import type { Request } from 'express';
import { AppError } from '../errors.ts';
import type { ApiKeyCaller, Caller, MachineCaller, ServiceCaller, UserCaller } from '../http/caller.ts';
import { credentialInvalid, readCredentials } from './credentials.ts';
import type { Credential } from './credentials.ts';
import { assertSameOrigin } from './same-origin.ts';

type Deps = {
  /** How an API key begins. */
  keyPrefixes: readonly string[];
  verifyToken: (token: string) => Promise<UserCaller | MachineCaller>;
  findServiceToken: (token: string) => ServiceCaller | undefined;
  /** @throws AppError when the key is expired */
  findApiKey: (key: string) => Promise<ApiKeyCaller | undefined>;
  /** The access token inside a sealed session cookie. */
  unsealSession: (sealed: string) => Promise<string | undefined>;
};

type Kind = 'jwt' | 'service' | 'api_key';

const SERVICE_PREFIX = 'svc_';

/**
 * Who makes a request. The credential's own shape says what it is; one that is not recognised, or two that differ, are
 * refused.
 * @throws AppError `credential_missing`, `credential_invalid`, `credential_expired`
 */
export function makeAuthenticate(deps: Deps) {
  const kindOf = (token: string): Kind | undefined => {
    if (token.startsWith('eyJ')) return 'jwt';
    if (token.startsWith(SERVICE_PREFIX)) return 'service';
    return deps.keyPrefixes.some((prefix) => token.startsWith(prefix)) ? 'api_key' : undefined;
  };

  return async function authenticate(req: Request): Promise<Caller> {
    const { tokens, cookie } = readCredentials(req);
    for (const token of tokens) assertPlace(token, kindOf(token.token));
    const fromCookie = cookie === undefined ? undefined : await unseal(deps, cookie);
    const token = theOne([...tokens.map(({ token }) => token), ...(fromCookie === undefined ? [] : [fromCookie])]);
    if (tokens.length === 0) assertSameOrigin(req);
    return resolve(deps, token, kindOf(token));
  };
}

function assertPlace({ source }: Credential, kind: Kind | undefined): void {
  const fits =
    kind !== undefined && (source === 'bearer' || (source === 'x-api-key' ? kind === 'api_key' : kind === 'jwt'));
  if (!fits) throw credentialInvalid();
}

async function unseal({ unsealSession }: Deps, cookie: string): Promise<string> {
  const token = await unsealSession(cookie);
  if (token === undefined) throw credentialInvalid('The session cookie is not valid.');
  return token;
}

function theOne(tokens: readonly string[]): string {
  const [token, ...others] = new Set(tokens);
  if (token === undefined)
    throw new AppError('credential_missing', 'This needs a session, a machine token or an API key.');
  if (others.length > 0) throw credentialInvalid('There are two different credentials. Send one.');
  return token;
}

async function resolve(deps: Deps, token: string, kind: Kind | undefined): Promise<Caller> {
  if (kind === 'jwt') return deps.verifyToken(token);
  const caller = kind === 'service' ? deps.findServiceToken(token) : await deps.findApiKey(token);
  if (!caller) throw credentialInvalid();
  return caller;
}
