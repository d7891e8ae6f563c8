import { createLocalJWKSet, errors } from 'jose';
import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { decodeAnswer } from '../workos/answers/decode-answer.ts';

type Deps = { url: string; timeoutMs: number; clock: Clock; fetchFn?: typeof fetch };
type CachedDeps = {
  load: () => Promise<JSONWebKeySet>;
  /** The error while there are no keys, or those that there are may be old. */
  unavailable: (cause: unknown) => AppError;
  clock: Clock;
};

/** After this long, a fetched JWKS is fetched again in the background. */
const FRESH_MS = 10 * 60_000;
/** The shortest time between two fetches, whatever key ids clients make up. */
const MIN_INTERVAL_MS = 10_000;
/** The same while there are no keys at all, so that no session can be verified. */
const FIRST_INTERVAL_MS = 1_000;
const MAX_BYTES = 256 * 1024;

/** Finds an issuer's public keys by its JWKS address. */
export function makeJwks({ url, timeoutMs, clock, fetchFn = fetch }: Deps): JWTVerifyGetKey {
  return makeCachedJwks({ load: () => fetchJwks(fetchFn, url, timeoutMs), unavailable, clock });
}

/**
 * Finds an issuer's public keys. Loads the JWKS again for an unknown key id and after ten minutes, at most every ten
 * seconds. While it cannot be loaded, known keys go on working.
 */
export function makeCachedJwks({ load: loadJwks, unavailable: unavailableBy, clock }: CachedDeps): JWTVerifyGetKey {
  let known: JWTVerifyGetKey | undefined;
  let fetchedAt = 0;
  let triedAt = 0;
  let lastFailure: unknown;
  let running: Promise<void> | undefined;

  async function load(): Promise<void> {
    triedAt = clock().getTime();
    try {
      known = createLocalJWKSet(await loadJwks());
      fetchedAt = clock().getTime();
      lastFailure = undefined;
    } catch (error) {
      lastFailure = error;
    }
  }

  function refresh(): Promise<void> {
    if (running) return running;
    const interval = known ? MIN_INTERVAL_MS : FIRST_INTERVAL_MS;
    if (triedAt !== 0 && clock().getTime() - triedAt < interval) return Promise.resolve();
    running = load().finally(() => {
      running = undefined;
    });
    return running;
  }

  return async (header, token) => {
    if (!known) await refresh();
    if (!known) throw unavailableBy(lastFailure);
    if (clock().getTime() - fetchedAt > FRESH_MS) void refresh();
    try {
      return await known(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await refresh();
      // While the fetch fails, the key may be a new one: the session is not invalid.
      if (lastFailure !== undefined) throw unavailableBy(lastFailure);
      return known(header, token);
    }
  };
}

/**
 * Combines several JWKS into one. The first that has the key wins; a failed fetch is reported only if no other has it.
 */
export function anyJwks(all: readonly JWTVerifyGetKey[]): JWTVerifyGetKey {
  const [only, ...others] = all;
  if (only !== undefined && others.length === 0) return only;
  return async (header, token) => {
    let failure: unknown = new errors.JWKSNoMatchingKey();
    for (const jwks of all) {
      try {
        return await jwks(header, token);
      } catch (error) {
        if (failure instanceof errors.JWKSNoMatchingKey) failure = error;
      }
    }
    throw failure;
  };
}

async function fetchJwks(fetchFn: typeof fetch, url: string, timeoutMs: number): Promise<JSONWebKeySet> {
  const response = await fetchFn(url, { signal: AbortSignal.timeout(timeoutMs), redirect: 'error' });
  if (!response.ok) throw new Error(`JWKS fetch failed with status ${response.status}`);
  const body = await (await decodeAnswer(response)).text();
  if (body.length > MAX_BYTES) throw new Error('JWKS too large');
  return JSON.parse(body) as JSONWebKeySet;
}

function unavailable(cause?: unknown): AppError {
  return new AppError(
    'workos_unavailable',
    'The JWKS that verifies sessions cannot be fetched now. Try again shortly.',
    {
      cause,
      details: { retry_after: 5 },
    },
  );
}
