import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose';
import type { Logger } from 'pino';
import { z } from 'zod';
import { makeCachedJwks } from '../../auth/jwks.ts';
import { makeBoundedCache } from '../../bounded-cache.ts';
import type { Clock } from '../../clock.ts';
import { AppError } from '../../errors.ts';
import type { FetchJson } from './fetch-json.ts';

type Deps = { fetchJson: FetchJson; clock: Clock; log: Pick<Logger, 'warn'> };

/** CircleCI has an issuer for each organization. */
const MAX_ISSUERS = 1_000;
const RETRY_SECONDS = 5;

const Discovery = z.object({ issuer: z.string(), jwks_uri: z.url() });
const Jwks = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(100) });

export type IssuerKeys = (issuerUrl: string) => JWTVerifyGetKey;

/**
 * Returns the public keys of an issuer, which must be on the operator's list: they are found by its discovery document and
 * remembered. @throws AppError `issuer_unavailable` from the keys, while they cannot be fetched
 */
export function makeIssuerKeys({ fetchJson, clock, log }: Deps): IssuerKeys {
  const known = makeBoundedCache<JWTVerifyGetKey>({ max: MAX_ISSUERS });
  async function load(issuer: string): Promise<JSONWebKeySet> {
    try {
      return await loadJwks(fetchJson, issuer);
    } catch (error) {
      log.warn({ err: error, issuer }, 'failed to fetch JWKS of CI issuer');
      throw error;
    }
  }

  return (issuerUrl) => {
    const keys =
      known.get(issuerUrl) ?? makeCachedJwks({ load: () => load(issuerUrl), unavailable: issuerUnavailable, clock });
    known.set(issuerUrl, keys);
    return keys;
  };
}

async function loadJwks(fetchJson: FetchJson, issuerUrl: string): Promise<JSONWebKeySet> {
  const discovered = await fetchJson(`${issuerUrl.replace(/\/$/, '')}/.well-known/openid-configuration`);
  const { issuer, jwks_uri: address } = Discovery.parse(discovered);
  if (issuer !== issuerUrl) throw new Error('the discovery document is of another issuer');
  if (new URL(address).origin !== new URL(issuerUrl).origin) throw new Error('the JWKS is at another origin');
  return Jwks.parse(await fetchJson(address));
}

function issuerUnavailable(cause: unknown): AppError {
  return new AppError('issuer_unavailable', "The CI token's issuer does not answer. Retry with the same token.", {
    cause,
    details: { retry_after: RETRY_SECONDS },
  });
}
