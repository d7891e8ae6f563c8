import type { KeyFormat } from '../api-keys/format/key-format.ts';
import { AppError } from '../errors.ts';
import type { FailedCredentials, OverLimit } from '../limits/guesses/failed-credentials.ts';
import type { FairTurns } from '../limits/fair-turns.ts';
import { nameOfGuesser } from '../limits/guesses/guesser.ts';
import type { Guesser } from '../limits/guesses/guesser.ts';
import type { Cached, KeyCache } from './key-cache.ts';
import { joinReads } from './join-reads.ts';
import type { KeyHasher } from './hmac/key-hasher.ts';
import type { MirrorRecord, ReadMirror } from './mirror-record.ts';
import type { RenewHash } from './hmac/renew-hmacs.ts';
import type { Trust } from '../invalidation/trust.ts';
import type { UnknownKeys } from './first-use/unknown-keys.ts';

type Deps = {
  format: Pick<KeyFormat, 'secretOf' | 'fits'>;
  hasher: Pick<KeyHasher, 'nameOf' | 'hashesOf' | 'hmacKeyIds'>;
  cache: Pick<KeyCache, 'get' | 'getOld' | 'isDue' | 'fill' | 'drop' | 'generation' | 'hasChanged' | 'makings'>;
  unknown: Pick<UnknownKeys, 'has' | 'note'>;
  trust: Pick<Trust, 'isTrusted' | 'mayServeStale' | 'assertProven'>;
  readMirror: ReadMirror;
  renewHash: RenewHash;
  /** Asks WorkOS about a key that the mirror does not know. @returns whether the mirror knows it now */
  adopt: (presented: string, name: string, guesser: Guesser) => Promise<boolean>;
  failures: Pick<FailedCredentials, 'overFor' | 'count'>;
  /** Look-ups for guessers that are over their limit, among whose keys may be good ones. */
  spareLookUps: Pick<FairTurns, 'turn'>;
};

export type Source = 'cache' | 'mirror' | 'workos';
/** `stale`: memory answered although it may not be believed, as the operator chose. */
export type Resolved = { record: MirrorRecord; source: Source; staleMs: number; stale: boolean };
/** It is not known what the key is: its guesser tried too many, or WorkOS would have to say, and did not. */
export type Unsought = { limited: OverLimit } | { unavailableSeconds: number };

/** Who answers for a key. `counted` when one that nobody knows counts towards what that guesser may fail with. */
export type Origin = { guesser: Guesser; counted: boolean };

export type KeyResolver = ReturnType<typeof makeKeyResolver>;
export type ResolveKey = KeyResolver['resolveKey'];

export function isUnsought(found: Resolved | Unsought | undefined): found is Unsought {
  return found !== undefined && !('record' in found);
}

/** WorkOS alone could say what a key is, and there is no question to it left. */
export class NoQuestionLeft extends AppError {
  constructor(retryAfter: number) {
    const message = 'WorkOS cannot be asked about this key now. Try again shortly.';
    super('workos_unavailable', message, { details: { retry_after: retryAfter } });
  }
}

/** That WorkOS was not asked is a failure of whoever used its questions up. */
function unasked(error: unknown): NoQuestionLeft {
  if (error instanceof NoQuestionLeft) return error;
  throw error;
}

/** As many as are read at once: what is used has a quarter of its time for it. */
const MAX_RENEWING = 200;

/** Finds what a presented key is. Nothing is written on the way. */
export function makeKeyResolver(deps: Deps) {
  const { format, hasher, cache, trust, failures } = deps;
  let renewing = 0;
  const join = joinReads<Resolved>(cache);

  // The same secret behind the prefix of another environment is another key, which does not exist.
  const isAs = (presented: string, { record }: Resolved) => format.fits(presented, record.environment);

  /** What is no key by its form alone costs neither a hash nor a look-up. */
  function soughtOf(presented: string): Sought | undefined {
    const secret = format.secretOf(presented);
    return secret === undefined ? undefined : { secret, name: hasher.nameOf(secret) };
  }

  function remembered(key: Sought): Resolved | undefined {
    if (!trust.isTrusted()) return outdated(deps, key);
    const kept = cache.get(key.name);
    if (!kept) return undefined;
    if (cache.isDue(kept)) renew(key);
    return resolved(kept, 'cache');
  }

  /** Reads a key that is remembered. If it cannot be read, whoever uses it when it is forgotten hears why. */
  function renew(key: Sought): void {
    if (renewing >= MAX_RENEWING) return;
    renewing++;
    readAndKeep(deps, key)
      .catch(() => undefined)
      .finally(() => renewing--);
  }

  /**
   * From memory, from the mirror, or, for a key that was made in WorkOS's dashboard and is used for the first time, from
   * WorkOS.
   * @throws AppError `workos_unavailable` when only WorkOS could have said, `database_unavailable` when it is not
   * certain that the database is the primary
   */
  async function resolveKey(presented: string, origin: Origin): Promise<Resolved | { limited: OverLimit } | undefined> {
    const { guesser, counted } = origin;
    const key = soughtOf(presented);
    const known = key && remembered(key);
    if (known && isAs(presented, known)) return known;
    const sought = known ? undefined : key;
    const over = counted ? failures.overFor(guesser) : undefined;
    if (over && !(sought && (await deps.spareLookUps.turn(nameOfGuesser(guesser))))) return { limited: over };
    const found =
      sought && (await join(sought.name, () => readThrough(deps, sought, presented, guesser)).catch(unasked));
    if (found && !(found instanceof NoQuestionLeft) && isAs(presented, found)) return found;
    return notFound(deps, origin, found instanceof NoQuestionLeft ? found : undefined);
  }

  /** From memory alone. */
  function peekKey(presented: string): Resolved | undefined {
    const key = soughtOf(presented);
    const known = key && remembered(key);
    return known && isAs(presented, known) ? known : undefined;
  }

  return { peekKey, resolveKey };
}

/** Counts a key that nobody knows. @throws NoQuestionLeft when WorkOS might have known it */
async function notFound({ failures }: Deps, { guesser, counted }: Origin, unasked: NoQuestionLeft | undefined) {
  const limited = counted ? await failures.count(guesser) : undefined;
  if (limited) return { limited };
  if (unasked) throw unasked;
  return undefined;
}

// Counted from before the read: who joined it may not take it for younger than it is. By the monotonic clock, as a clock of
// the calendar that steps back would make what is old look new.
function resolved({ record, readAtMs }: Cached, source: Source): Resolved {
  return { record, source, staleMs: Math.ceil(performance.now() - readAtMs), stale: false };
}

/** What memory may not be believed in answers all the same, where the operator lets it. */
function outdated(deps: Pick<Deps, 'cache' | 'trust'>, { name }: Sought): Resolved | undefined {
  const kept = deps.trust.mayServeStale() ? deps.cache.getOld(name) : undefined;
  return kept && { ...resolved(kept, 'cache'), stale: true };
}

/** A key's secret, and by which name memory knows it. */
type Sought = { secret: string; name: string };

async function readThrough(
  deps: Deps,
  key: Sought,
  presented: string,
  guesser: Guesser,
): Promise<Resolved | undefined> {
  deps.trust.assertProven();
  const isUnknown = deps.trust.isTrusted() && deps.unknown.has(key.name);
  const known = isUnknown ? undefined : await readAndKeep(deps, key);
  if (known) return resolved(known, 'mirror');
  if (!(await deps.adopt(presented, key.name, guesser))) return undefined;
  const adopted = await readAndKeep(deps, key);
  return adopted && resolved(adopted, 'workos');
}

async function readAndKeep(deps: Deps, { secret, name }: Sought): Promise<Cached | undefined> {
  const { hasher, cache, unknown, trust, readMirror, renewHash } = deps;
  const generation = cache.generation();
  const makings = cache.makings();
  const readAtMs = performance.now();
  const hashes = hasher.hashesOf(secret, name);
  const found = await readMirror(hashes);
  if (!found) {
    cache.drop(name);
    if (trust.isTrusted()) unknown.note(name, makings);
    return undefined;
  }
  const { record, hash, hmacKeyId } = found;
  const [current] = hashes;
  if (current && (hmacKeyId !== hasher.hmacKeyIds[0] || !current.equals(hash))) renewHash(hash, current);
  if (trust.isTrusted()) cache.fill(name, { record, readAtMs }, generation);
  return { record, readAtMs };
}
