import type { Request } from 'express';

/** Whether a request has a cookie and no other credential, as those of the console's pages do. */
export function hasCookieAlone({ headers, query }: Pick<Request, 'headers' | 'query'>): boolean {
  const { cookie, authorization, 'x-api-key': key, 'x-access-token': token } = headers;
  return cookie !== undefined && [authorization, key, token, query['api_key']].every((other) => other === undefined);
}
