import { expectStatus, list, text } from '../../read.ts';
import type { World } from '../../world.ts';

/** Checks the JWKS of sessions, and the OpenID configuration of the AuthKit domain. */
export async function discovery({ call, target, note, differs }: World): Promise<void> {
  for (const clientId of target.clientIds) {
    const keys = expectStatus(await call('GET', `/sso/jwks/${clientId}`), `the JWKS of ${clientId}`, 200);
    const algorithms = list(keys.body, 'keys').map((key) => text(key, 'alg') ?? 'none');
    note(`JWKS of ${clientId}: ${algorithms.length} key(s), ${[...new Set(algorithms)].join(', ')}.`);
    if (!algorithms.includes('RS256'))
      differs({
        name: 'session-algorithm',
        breaks: true,
        assumes: 'that sessions are signed with RS256',
        seen: algorithms.join(', ') || 'no key',
        todo: 'Report this: no session will be accepted.',
      });
  }
  const { authkitUrl } = target;
  if (authkitUrl === undefined) {
    note('WORKOS_AUTHKIT_URL is not set, so machine tokens are off.');
    return;
  }
  const metadata = await call('GET', '/.well-known/openid-configuration', { base: authkitUrl });
  const issuer = text(expectStatus(metadata, 'the AuthKit domain', 200).body, 'issuer') ?? 'none';
  const jwks = text(metadata.body, 'jwks_uri') ?? 'none';
  note(`AuthKit issuer: ${issuer}; its JWKS: ${jwks}.`);
  if (issuer !== authkitUrl && issuer !== `${authkitUrl}/`)
    differs({
      name: 'authkit-issuer',
      breaks: true,
      assumes: `that the issuer of the AuthKit domain is ${authkitUrl}`,
      seen: issuer,
      todo: 'Set WORKOS_AUTHKIT_URL to the issuer.',
    });
  if (jwks !== `${authkitUrl}/oauth2/jwks`)
    differs({
      name: 'authkit-jwks',
      breaks: true,
      assumes: `that the JWKS of machine tokens is at ${authkitUrl}/oauth2/jwks`,
      seen: jwks,
      todo: 'Report this: no machine token will be accepted.',
    });
}
