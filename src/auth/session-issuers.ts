const WORKOS_URL = 'https://api.workos.com';
/** What WorkOS is seen to put behind the address: nothing, a slash, the client, or the kind of sign-in. */
const SSO = /^\/sso\/[\w-]{1,128}$/;

type Options = {
  /** Where sessions may come from besides WorkOS itself: its API and the AuthKit domain, as configured. */
  urls: readonly string[];
  clientIds: readonly string[];
  /** Accepted as they are. */
  others: readonly string[];
};

/**
 * Judges issuers of people's sessions. WorkOS names itself, its API's address or the AuthKit domain, in forms that
 * differ by product and way of sign-in. The issuer is no proof: the signature by the environment's own keys is.
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
