import { createLocalJWKSet, errors } from 'jose';
import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import { decodeAnswer } from '../workos/answers/decode-answer.ts';

type Deps = { url: string; timeoutMs: number; clock: Clock; fetchFn?: typeof fetch };

/** How long a fetched set serves without a look whether keys were added or withdrawn. */
const FRESH_MS = 10 * 60_000;
/** At most one fetch in this time, successful or not, whatever key ids clients make up. */
const MIN_INTERVAL_MS = 10_000;
/** The same while there are no keys at all and nobody can sign in. */
const FIRST_INTERVAL_MS = 1_000;
const MAX_BYTES = 256 * 1024;

/**
 * The public keys behind a JWKS address: fetched once and kept, looked at again for an unknown key id or after ten
 * minutes, never more often than every ten seconds. While the address cannot be reached, known keys go on working.
 */
export function makeKeySet({ url, timeoutMs, clock, fetchFn = fetch }: Deps): JWTVerifyGetKey {
  let known: JWTVerifyGetKey | undefined;
  let fetchedAt = 0;
  let triedAt = 0;
  let lastFailure: unknown;
  let running: Promise<void> | undefined;

  async function load(): Promise<void> {
    triedAt = clock().getTime();
    try {
      known = createLocalJWKSet(await fetchKeys(fetchFn, url, timeoutMs));
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
    if (!known) return unavailable(lastFailure);
    if (clock().getTime() - fetchedAt > FRESH_MS) void refresh();
    try {
      return await known(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await refresh();
      // Not to be told from a new key while the address does not answer: that is no reason to call a session invalid.
      if (lastFailure !== undefined) return unavailable(lastFailure);
      return known(header, token);
    }
  };
}

async function fetchKeys(fetchFn: typeof fetch, url: string, timeoutMs: number): Promise<JSONWebKeySet> {
  const response = await fetchFn(url, { signal: AbortSignal.timeout(timeoutMs), redirect: 'error' });
  if (!response.ok) throw new Error(`the key set answered ${response.status}`);
  const body = await (await decodeAnswer(response)).text();
  if (body.length > MAX_BYTES) throw new Error('the key set is too large');
  return JSON.parse(body) as JSONWebKeySet;
}

function unavailable(cause?: unknown): never {
  throw new AppError('workos_unavailable', 'The keys that sign sessions cannot be fetched now. Try again shortly.', {
    cause,
    details: { retry_after: 5 },
  });
}
