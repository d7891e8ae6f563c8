import type { Route } from '../http/route.ts';

/** Routes that a standard OAuth client reads before it requests a machine token. */
export function discoveryRoutes(url: () => string): Route[] {
  const handle: Route['handle'] = () => ({ status: 200, body: metadata(url()) });
  return [
    { method: 'get', path: '/.well-known/openid-configuration', access: 'public', handle },
    { method: 'get', path: '/.well-known/oauth-authorization-server', access: 'public', handle },
  ];
}

const metadata = (issuer: string): object => ({
  issuer,
  authorization_endpoint: `${issuer}/user_management/authorize`,
  token_endpoint: `${issuer}/oauth2/token`,
  introspection_endpoint: `${issuer}/oauth2/introspection`,
  jwks_uri: `${issuer}/oauth2/jwks`,
  response_types_supported: ['code'],
  response_modes_supported: ['query'],
  grant_types_supported: ['client_credentials'],
  subject_types_supported: ['public'],
  code_challenge_methods_supported: ['S256'],
  id_token_signing_alg_values_supported: ['RS256'],
  token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
});
