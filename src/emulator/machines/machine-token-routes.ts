import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { timestamp } from '../clock.ts';
import { sha256 } from '../hashing.ts';
import { oauthError } from '../http/http-error.ts';
import { parse } from '../http/parse.ts';
import type { Reply, Request, Route } from '../http/route.ts';
import { readJson } from '../state/json.ts';
import type { Store } from '../state/store.ts';
import type { SigningKey } from '../tokens/signing-keys.ts';
import type { Ids } from '../ulid.ts';

const ACCESS_TOKEN_SECONDS = 3_600;

type Deps = { store: Store; ids: Ids; clock: Clock; machineKey: SigningKey; clientId: string; url: () => string };
type MachineClient = { client_id: string; organization_id: string; scopes: string[] };

const TokenRequest = z.object({ grant_type: z.string().max(128), scope: z.string().max(4_096).optional() });
const Introspection = z.object({ token: z.string().max(16_384) });
const Credentials = z.object({
  client_id: z.string().max(256).optional(),
  client_secret: z.string().max(1_024).optional(),
});

export function machineTokenRoutes(deps: Deps): Route[] {
  return [
    { method: 'post', path: '/oauth2/token', access: 'public', handle: (request) => issue(deps, request) },
    {
      method: 'get',
      path: '/oauth2/jwks',
      access: 'public',
      handle: () => ({ status: 200, body: deps.machineKey.jwks }),
    },
    {
      method: 'post',
      path: '/oauth2/introspection',
      access: 'public',
      replay: false,
      handle: (request) => introspect(deps, request),
    },
  ];
}

async function issue(deps: Deps, request: Request): Promise<Reply> {
  const { grant_type: type, scope } = parse(TokenRequest, request.body);
  if (type !== 'client_credentials')
    throw oauthError(400, 'unsupported_grant_type', `Unsupported grant type '${type}'.`);
  const client = authenticateClient(deps, request);
  const scopes = grantedScopes(client, scope);
  const issuedAt = Math.floor(deps.clock().getTime() / 1000);
  const token = await deps.machineKey.sign({
    iss: deps.url(),
    aud: deps.clientId,
    sub: client.client_id,
    client_id: client.client_id,
    org_id: client.organization_id,
    scope: scopes.join(' '),
    jti: deps.ids.ulid(),
    iat: issuedAt,
    exp: issuedAt + ACCESS_TOKEN_SECONDS,
  });
  const body = { access_token: token, token_type: 'bearer', expires_in: ACCESS_TOKEN_SECONDS, scope: scopes.join(' ') };
  return { status: 200, body, headers: { 'cache-control': 'no-store' } };
}

/** Without a requested scope: every scope that the client may have. */
function grantedScopes({ scopes }: MachineClient, wanted: string | undefined): string[] {
  const names = wanted?.split(' ').filter((name) => name !== '') ?? [];
  const refused = names.filter((name) => !scopes.includes(name));
  if (refused.length > 0) throw oauthError(400, 'invalid_scope', `The client may not have: ${refused.join(' ')}.`);
  return names.length > 0 ? [...new Set(names)] : scopes;
}

/** RFC 7662: an invalid token is `{ active: false }`, whatever the reason. */
async function introspect(deps: Deps, request: Request): Promise<Reply> {
  authenticateClient(deps, request);
  const claims = await deps.machineKey.verify(parse(Introspection, request.body).token, deps.clock);
  return { status: 200, body: claims ? { active: true, token_type: 'bearer', ...claims } : { active: false } };
}

/** Reads credentials from form fields or Basic authentication (RFC 6749, section 2.3.1). */
function authenticateClient({ store, clock }: Deps, request: Request): MachineClient {
  const { client_id: id = '', client_secret: secret = '' } =
    basicCredentials(request) ?? parse(Credentials, request.body);
  const row = store.get<{ client_id: string; organization_id: string; scopes: string }>(
    `select client_id, organization_id, scopes from machine_clients where client_id = ?1 and (secret_hash = ?2 or exists
      (select 1 from machine_client_secrets where client_id = ?1 and secret_hash = ?2))`,
    id,
    sha256(secret),
  );
  if (!row) throw oauthError(401, 'invalid_client', 'Client authentication failed.');
  const sql = 'update machine_client_secrets set last_used_at = ? where client_id = ? and secret_hash = ?';
  store.run(sql, timestamp(clock), id, sha256(secret));
  return { ...row, scopes: readJson<string[]>(row.scopes) };
}

function basicCredentials({ headers }: Request): z.output<typeof Credentials> | undefined {
  const encoded = /^Basic (?<encoded>\S+)$/i.exec(headers.authorization ?? '')?.groups?.['encoded'];
  if (encoded === undefined) return undefined;
  const [id = '', ...secret] = Buffer.from(encoded, 'base64').toString('utf8').split(':');
  try {
    return { client_id: decodeURIComponent(id), client_secret: decodeURIComponent(secret.join(':')) };
  } catch {
    throw oauthError(401, 'invalid_client', 'Client authentication failed.');
  }
}
