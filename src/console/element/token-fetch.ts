import { LatchkeyError } from '../../client/client.ts';
import type { GetToken } from '../../element/element.ts';

type Fetch = typeof globalThis.fetch;
type Parts = { fetch: Fetch; getToken: GetToken; /** Called when a fresh token is refused too. */ onEnd: () => void };

const UNAUTHORIZED = 401;

/**
 * Returns the token of requests, and a `fetch` that repeats a refused one once with a fresh token. The page around is asked
 * once for all requests that wait for a token.
 */
export function makeTokenFetch({ fetch, getToken, onEnd }: Parts) {
  let asked: Promise<string> | undefined;
  let known: string | undefined;
  const forget = () => void (asked = known = undefined);
  const ask = async () => {
    try {
      return (known = await getToken());
    } catch (cause) {
      forget();
      onEnd();
      throw new LatchkeyError('credential_missing', 'The page around the element gave no token.', {
        status: UNAUTHORIZED,
        cause,
      });
    }
  };
  const token = () => (asked ??= ask());

  const fetchWithToken: Fetch = async (input, init) => {
    const send = (headers: Headers) => fetch(input, { ...init, headers, credentials: 'omit' });
    const headers = new Headers(init?.headers);
    const response = await send(headers);
    if (response.status !== UNAUTHORIZED) return response;
    if (known !== undefined && headers.get('authorization') === bearer(known)) forget();
    headers.set('authorization', bearer(await token()));
    const repeated = await send(headers);
    if (repeated.status === UNAUTHORIZED) onEnd();
    return repeated;
  };
  return { token, fetch: fetchWithToken };
}

const bearer = (token: string) => `Bearer ${token}`;
