const WORKOS_URL = 'https://api.workos.com';
/** One of the suffixes that WorkOS puts behind its address, by the kind of sign-in; others are a slash and the client. */
const SSO = /^\/sso\/[\w-]{1,128}$/;

type Options = {
  /** The configured API and AuthKit domain, accepted beside WorkOS's own address. */
  urls: readonly string[];
  clientIds: readonly string[];
  /** Further issuers, compared exactly. */
  others: readonly string[];
};

/**
 * Judges the issuer of a session token. WorkOS names its own address, the API's or the AuthKit domain, with a suffix that
 * differs by product and kind of sign-in. The issuer is no proof; the signature by the environment's JWKS is.
 */
export function makeSessionIssuers({ urls, clientIds, others }: Options) {
  const bases = [...new Set([WORKOS_URL, ...urls])];
  const known = new Set([
    ...others,
    ...bases.flatMap((base) => [base, `${base}/`, ...clientIds.map((id) => `${base}/user_management/${id}`)]),
  ]);

  return function isSessionIssuer(issuer: string): boolean {
    return known.has(issuer) || bases.some((base) => issuer.startsWith(base) && SSO.test(issuer.slice(base.length)));
  };
}
