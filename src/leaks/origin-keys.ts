import { createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { AppError } from '../errors.ts';
import type { LeakOrigin } from './origins.ts';

type Deps = {
  origin: LeakOrigin;
  /** Where the origin publishes its keys. */
  address: string;
  fetchJson: (address: string) => Promise<unknown>;
  clock: Clock;
  log: Pick<Logger, 'warn'>;
};

/** Returns the public key of an id; undefined where the origin has none. @throws AppError `issuer_unavailable` */
export type KeyOfOrigin = (keyId: string) => Promise<KeyObject | undefined>;

const FRESH_MS = 30 * 60_000;
/** Requests with invented key ids cause 30 fetches an hour; GitHub answers 60 of an address without a credential. */
const UNKNOWN_INTERVAL_MS = 2 * 60_000;
/** While there are no keys, and no report can be verified. */
const FAILED_INTERVAL_MS = 10_000;
const RETRY_SECONDS = 10;
const MAX_KEYS = 100;

const KeyList = z.object({
  public_keys: z
    .array(z.looseObject({ key_identifier: z.string().min(1).max(256), key: z.string().max(4_096) }))
    .max(MAX_KEYS),
});

/**
 * Finds the public keys of an origin. The list is fetched for the first report, again after 30 minutes, and once for an
 * unknown id, at most every two minutes. Keys that are older and cannot be fetched again verify nothing.
 */
export function makeOriginKeys({ origin, address, fetchJson, clock, log }: Deps): KeyOfOrigin {
  let keys: ReadonlyMap<string, KeyObject> = new Map();
  let fetchedMs = -Infinity;
  let triedMs = -Infinity;
  let failure: unknown;
  let running: Promise<void> | undefined;

  const nowMs = () => clock().getTime();
  // A clock that was set back makes keys look as if they came from the future; they are fetched again.
  const isWithin = (sinceMs: number, lengthMs: number) => nowMs() >= sinceMs && nowMs() - sinceMs < lengthMs;

  async function fetchKeys(): Promise<void> {
    triedMs = nowMs();
    try {
      keys = readKeys(await fetchJson(address));
      fetchedMs = triedMs;
      failure = undefined;
    } catch (error) {
      failure = error;
      log.warn({ err: error, origin }, 'failed to fetch public keys of leak reports');
    }
  }

  function refetch(): Promise<void> {
    const intervalMs = failure === undefined ? UNKNOWN_INTERVAL_MS : FAILED_INTERVAL_MS;
    if (!running && isWithin(triedMs, isWithin(fetchedMs, FRESH_MS) ? intervalMs : FAILED_INTERVAL_MS))
      return Promise.resolve();
    running ??= fetchKeys().finally(() => {
      running = undefined;
    });
    return running;
  }

  return async (keyId) => {
    const isKnown = isWithin(fetchedMs, FRESH_MS) && keys.has(keyId);
    if (!isKnown) await refetch();
    // While the list cannot be fetched, an unknown key may be a new one.
    if (!isWithin(fetchedMs, FRESH_MS) || (failure !== undefined && !keys.has(keyId))) throw unavailable(failure);
    return keys.get(keyId);
  };
}

/** Leaves out a key that is not of the scheme, so that it does not take the others with it. */
function readKeys(list: unknown): ReadonlyMap<string, KeyObject> {
  const { public_keys: listed } = KeyList.parse(list);
  return new Map(
    listed.flatMap(({ key_identifier: id, key }): [string, KeyObject][] => {
      const read = readKey(key);
      return read ? [[id, read]] : [];
    }),
  );
}

function readKey(pem: string): KeyObject | undefined {
  try {
    const key = createPublicKey(pem);
    const isP256 = key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
    return isP256 ? key : undefined;
  } catch {
    return undefined;
  }
}

function unavailable(cause: unknown): AppError {
  return new AppError('issuer_unavailable', "The sender's public keys cannot be fetched now. Send the report again.", {
    cause,
    details: { retry_after: RETRY_SECONDS },
  });
}
