import { z } from 'zod';
import { sameSecret } from '../hashing.ts';
import { notFound, oauthError } from '../http/http-error.ts';
import { parse } from '../http/parse.ts';
import type { Reply, Route } from '../http/route.ts';
import type { SigningKey } from '../tokens/signing-keys.ts';
import { GRANTS } from './grants.ts';
import type { SignInDeps } from './sign-in.ts';

type Deps = SignInDeps & { apiKey: string; keyOfClient: (clientId: string) => Promise<SigningKey> };

const Envelope = z.object({ grant_type: z.string(), client_id: z.string(), client_secret: z.string().optional() });

export function authenticateRoutes(deps: Deps): Route[] {
  return [
    // Public, because clients authenticate in the body, and some have no secret.
    {
      method: 'post',
      path: '/user_management/authenticate',
      access: 'public',
      handle: ({ body }) => authenticate(deps, body),
    },
    {
      method: 'get',
      path: '/sso/jwks/:clientId',
      access: 'public',
      handle: ({ params }) => jwks(deps, params['clientId']!),
    },
  ];
}

async function authenticate(deps: Deps, body: unknown): Promise<Reply> {
  const { grant_type: type, client_id: clientId, client_secret: secret } = parse(Envelope, body);
  if (clientId !== deps.clientId) throw oauthError(400, 'invalid_client', 'Invalid client ID.');
  if (secret !== undefined && !sameSecret(secret, deps.apiKey))
    throw oauthError(400, 'invalid_client', 'Invalid client secret.');
  const entry = GRANTS.get(type);
  if (!entry) throw oauthError(400, 'invalid_request', `The local WorkOS does not offer the grant type '${type}'.`);
  if (entry.needsSecret && secret === undefined)
    throw oauthError(400, 'invalid_client', 'A client secret is required.');
  return entry.grant(deps, body, secret !== undefined);
}

async function jwks({ clientId, sessionKey, switches, keyOfClient }: Deps, wanted: string): Promise<Reply> {
  if (switches.client_ids.includes(wanted)) return { status: 200, body: (await keyOfClient(wanted)).jwks };
  if (wanted !== clientId) throw notFound('Client', wanted);
  return { status: 200, body: sessionKey.jwks };
}
