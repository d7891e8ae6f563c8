import type { Target } from './load.ts';
import { SERVICE_TOKEN } from './tenants.ts';

export const CONNECTIONS = 64;

/** Verifies one key after the other with a service token. */
export function verifyTarget(url: string, keys: readonly string[]): Target {
  return {
    url,
    method: 'POST',
    path: '/v1/api-keys/verify',
    connections: CONNECTIONS,
    requests: keys.map(verifyRequest),
    accepts: isValid,
  };
}

export function verifyRequest(key: string) {
  return { headers: { authorization: `Bearer ${SERVICE_TOKEN}` }, body: { key } };
}

export function isValid(answer: unknown): boolean {
  return (answer as { valid?: unknown }).valid === true;
}

/** Sends a GET with one bearer credential after the other. */
export function bearerTarget(url: string, path: string, credentials: readonly string[]): Target {
  const requests = credentials.map((credential) => ({ headers: { authorization: `Bearer ${credential}` } }));
  return { url, method: 'GET', path, connections: CONNECTIONS, requests };
}

/** Sends a GET without a credential. */
export function plainTarget(url: string): Target {
  return { url, method: 'GET', path: '/', connections: CONNECTIONS, requests: [{ headers: {} }] };
}
