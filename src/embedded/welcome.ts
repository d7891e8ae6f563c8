type Places = {
  product: string;
  url: string;
  workosUrl: string;
  /** The local WorkOS of test keys, if there is one. */
  testWorkosUrl: string | undefined;
  folder: string;
  milliseconds: number;
  /** The body that creates a first key. */
  firstKey: object;
  /** Variables that are set but ignored. */
  ignored: readonly string[];
};

/** Returns the text of the start: addresses, and two lines to paste. */
export function welcome({
  product,
  url,
  workosUrl,
  testWorkosUrl,
  folder,
  milliseconds,
  firstKey,
  ignored,
}: Places): string {
  return `
  Latchkey is ready as ${product} after ${(milliseconds / 1_000).toFixed(1)} s.

    console        ${url}/console
    API            ${url}
    API page       ${url}/docs
    local WorkOS   ${workosUrl}${testWorkosUrl === undefined ? '' : `\n    test WorkOS    ${testWorkosUrl}`}
    data           ${folder}${ignored.length === 0 ? '' : `\n    ignored here   ${ignored.join(', ')}`}

  Sign in to the console as owner@acme.test with the password latchkey-demo, or make a key by hand:

TOKEN=$(curl -s ${workosUrl}/user_management/authenticate -H 'content-type: application/json' -d '{"grant_type":"password","client_id":"client_latchkey","client_secret":"sk_test_latchkey","email":"owner@acme.test","password":"latchkey-demo"}' | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')
curl -s -X POST ${url}/v1/api-keys -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' -d '${JSON.stringify(firstKey)}'

  Stop with Ctrl-C.
`;
}
