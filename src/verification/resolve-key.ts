import { isHashOfImport } from '../api-keys/format/imported-form.ts';
import type { KeyFormat } from '../api-keys/format/key-format.ts';
import type { KeptHash } from '../api-keys/key.ts';
import { AppError } from '../errors.ts';
import type { FailedCredentials, OverLimit } from '../limits/guesses/failed-credentials.ts';
import type { FairTurns } from '../limits/fair-turns.ts';
import { nameOfGuesser } from '../limits/guesses/guesser.ts';
import type { Guesser } from '../limits/guesses/guesser.ts';
import type { Cached, KeyCache } from './key-cache.ts';
import { joinReads } from './join-reads.ts';
import type { KeyHasher } from './hmac/key-hasher.ts';
import type { MirrorRead, MirrorRecord, ReadMirror } from './mirror-record.ts';
import type { RenewHash } from './hmac/renew-hmacs.ts';
import type { Trust } from '../invalidation/trust.ts';
import { CheckRefused } from './salted/hash-checks.ts';
import type { FindSaltedKey } from './salted/find-salted-key.ts';
import type { UnknownKeys } from './first-use/unknown-keys.ts';

type Deps = {
  format: Pick<KeyFormat, 'secretOf' | 'fits' | 'importedHashesOf' | 'locate'>;
  hasher: Pick<KeyHasher, 'nameOf' | 'hashesOf' | 'hmacKeyIds'>;
  cache: Pick<KeyCache, 'get' | 'getOld' | 'isDue' | 'fill' | 'drop' | 'generation' | 'hasChanged' | 'makings'>;
  unknown: Pick<UnknownKeys, 'has' | 'note'>;
  trust: Pick<Trust, 'isTrusted' | 'mayServeStale' | 'assertProven'>;
  readMirror: ReadMirror;
  renewHash: RenewHash;
  /** Finds an imported key whose hash has a salt, on its first use. */
  findSalted: FindSaltedKey;
  /** Asks WorkOS about a key that is not in the mirror. @returns whether it is there now */
  adopt: (presented: string, name: string, guesser: Guesser) => Promise<boolean>;
  failures: Pick<FailedCredentials, 'overFor' | 'count'>;
  /** Look-ups for guessers over their limit, which may also present valid keys. */
  spareLookUps: Pick<FairTurns, 'turn'>;
};

export type Source = 'cache' | 'mirror' | 'workos';
/** `stale`: memory answered although it is not trusted, as the operator chose. */
export type Resolved = { record: MirrorRecord; source: Source; staleMs: number; stale: boolean };
/** A key that was not resolved: its guesser is over its limit, or WorkOS, which alone could know it, did not answer. */
export type Unresolved = { limited: OverLimit } | { unavailableSeconds: number };

/** The origin of a key; `counted`: an unknown key counts against the guesser. */
export type Origin = { guesser: Guesser; counted: boolean };

export type KeyResolver = ReturnType<typeof makeKeyResolver>;
export type ResolveKey = KeyResolver['resolveKey'];

export function isUnresolved(found: Resolved | Unresolved | undefined): found is Unresolved {
  return found !== undefined && !('record' in found);
}

/** WorkOS alone could know the key, and the budget of questions to it is used up. */
export class NoQuestionLeft extends AppError {
  constructor(retryAfter: number) {
    const message = 'WorkOS cannot be asked about this key now. Try again shortly.';
    super('workos_unavailable', message, { details: { retry_after: retryAfter } });
  }
}

/** Returns a used-up budget as a value, since the guesser's failure is still to be counted. */
function unasked(error: unknown): Unasked {
  if (error instanceof NoQuestionLeft || error instanceof CheckRefused) return error;
  throw error;
}

type Unasked = NoQuestionLeft | CheckRefused;

function isUnasked(found: Resolved | Unasked | undefined): found is Unasked {
  return found instanceof Error;
}

/** As many as one batch reads; a used key has a quarter of its time to be renewed. */
const MAX_RENEWING = 200;

/** Finds the record of a presented key, without writing anything. */
export function makeKeyResolver(deps: Deps) {
  const { format, hasher, cache, trust, failures } = deps;
  let renewing = 0;
  const join = joinReads<Resolved>(cache);

  // The same secret behind the prefix of another environment is a key that does not exist.
  const isAs = (presented: string, { record }: Resolved) => format.fits(presented, record.environment);

  /** Returns undefined for a malformed key, before it costs an HMAC or a look-up. */
  function soughtOf(presented: string): Sought | undefined {
    const secret = format.secretOf(presented);
    return secret === undefined ? undefined : { presented, secret, name: hasher.nameOf(secret) };
  }

  function remembered(key: Sought): Resolved | undefined {
    if (!trust.isTrusted()) return outdated(deps, key);
    const kept = cache.get(key.name);
    if (!kept) return undefined;
    if (cache.isDue(kept)) renew(key);
    return resolved(kept, 'cache');
  }

  /** Reads a cached key again. A failure is left to the request that finds the key expired from the cache. */
  function renew(key: Sought): void {
    if (renewing >= MAX_RENEWING) return;
    renewing++;
    readAndKeep(deps, key)
      .catch(() => undefined)
      .finally(() => renewing--);
  }

  /**
   * Finds a key in memory, in the mirror or, on the first use of a key that was made in WorkOS's dashboard, at WorkOS.
   * @throws AppError `workos_unavailable` if only WorkOS could know the key and does not answer, `database_unavailable`
   * while the database is not known to be the primary
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
      sought && (await join(sought.name, () => readThrough(deps, sought, { guesser, counted, over })).catch(unasked));
    if (found && !isUnasked(found) && isAs(presented, found)) return found;
    return notFound(deps, origin, isUnasked(found) ? found : undefined);
  }

  /** Finds a key in memory alone. */
  function peekKey(presented: string): Resolved | undefined {
    const key = soughtOf(presented);
    const known = key && remembered(key);
    return known && isAs(presented, known) ? known : undefined;
  }

  const lookUpKey = makeLookUpKey(deps, { soughtOf, remembered, isAs });
  return { peekKey, lookUpKey, resolveKey };
}

type Steps = {
  soughtOf: (presented: string) => Sought | undefined;
  remembered: (key: Sought) => Resolved | undefined;
  isAs: (presented: string, found: Resolved) => boolean;
};

/**
 * Makes what finds a key in memory, or soon in the mirror. Undefined, now or then, for one that may need more: an unknown
 * one, the first use of one from WorkOS's dashboard or an import, and any key without trusted memory.
 */
function makeLookUpKey(deps: Deps, { soughtOf, remembered, isAs }: Steps) {
  const { cache, trust, unknown, failures } = deps;
  // Apart from other reads, since a read of the row alone does not say that a key is unknown.
  const join = joinReads<Resolved>(cache);

  async function readRow(key: Sought): Promise<Resolved | undefined> {
    const read = await readAndKeep(deps, key);
    return read && resolved(read, 'mirror');
  }

  /** @param guesser whom an unknown key counts against; one over its limit has nothing looked up here */
  return function lookUpKey(
    presented: string,
    guesser: Guesser | undefined,
  ): Resolved | Promise<Resolved | undefined> | undefined {
    const key = soughtOf(presented);
    const known = key && remembered(key);
    if (known) return isAs(presented, known) ? known : undefined;
    if (!key || !trust.isTrusted() || unknown.has(key.name)) return undefined;
    if (guesser && failures.overFor(guesser)) return undefined;
    return join(key.name, () => readRow(key)).then((found) => (found && isAs(presented, found) ? found : undefined));
  };
}

/** Counts an unknown key. @throws NoQuestionLeft if WorkOS might know it */
async function notFound({ failures }: Deps, { guesser, counted }: Origin, unasked: Unasked | undefined) {
  const limited = counted ? await failures.count(guesser) : undefined;
  if (limited) return { limited };
  if (unasked instanceof CheckRefused) return { limited: unasked.over };
  if (unasked) throw unasked;
  return undefined;
}

// The age counts from before the read, so that requests that joined it do not see it too young. It is monotonic, since a
// calendar clock that steps back would make an old read look new.
function resolved({ record, readAtMs }: Cached, source: Source): Resolved {
  return { record, source, staleMs: Math.ceil(performance.now() - readAtMs), stale: false };
}

/** Returns a cached key that is not trusted, if the operator allows that. */
function outdated(deps: Pick<Deps, 'cache' | 'trust'>, { name }: Sought): Resolved | undefined {
  const kept = deps.trust.mayServeStale() ? deps.cache.getOld(name) : undefined;
  return kept && { ...resolved(kept, 'cache'), stale: true };
}

/** A presented key, its secret, and its name in memory. */
type Sought = { presented: string; secret: string; name: string };

type From = Parameters<FindSaltedKey>[1];

async function readThrough(deps: Deps, key: Sought, from: From): Promise<Resolved | undefined> {
  deps.trust.assertProven();
  const isUnknown = deps.trust.isTrusted() && deps.unknown.has(key.name);
  const known = isUnknown ? undefined : ((await readAndKeep(deps, key)) ?? (await readSalted(deps, key, from)));
  if (known) return resolved(known, 'mirror');
  if (!(await deps.adopt(key.presented, key.name, from.guesser))) return undefined;
  const adopted = await readAndKeep(deps, key);
  return adopted && resolved(adopted, 'workos');
}

/** Reads an imported key by the hash that it was proven to have; the renewal of that makes this its last time. */
async function readSalted(deps: Deps, key: Sought, from: From): Promise<Cached | undefined> {
  const { format, cache, trust, unknown, findSalted } = deps;
  if (format.locate(key.presented).length === 0) return undefined;
  const makings = cache.makings();
  const proven = await findSalted(key.presented, from);
  if (proven) return readAndKeep(deps, key, proven);
  if (trust.isTrusted()) unknown.note(key.name, makings);
  return undefined;
}

async function readAndKeep(
  deps: Deps,
  { presented, secret, name }: Sought,
  proven?: KeptHash,
): Promise<Cached | undefined> {
  const { format, hasher, cache, unknown, trust, readMirror, renewHash } = deps;
  const generation = cache.generation();
  const makings = cache.makings();
  const readAtMs = performance.now();
  const hashes = hasher.hashesOf(secret, name);
  const imported = [...format.importedHashesOf(presented), ...(proven ? [proven] : [])];
  const found = await readMirror([...hashes, ...imported.map(({ secretHash }) => secretHash)]);
  if (!found || !isOfItsHash(found, imported)) {
    cache.drop(name);
    // Whether it is unknown is only known once the hashes with its locator were checked.
    if (trust.isTrusted() && format.locate(presented).length === 0) unknown.note(name, makings);
    return undefined;
  }
  const { record, hash, hmacKeyId } = found;
  const read = { record, readAtMs: found.asOfMs ?? readAtMs };
  const [current] = hashes;
  if (current && (hmacKeyId !== hasher.hmacKeyIds[0] || !current.equals(hash))) renewHash(hash, current);
  if (trust.isTrusted()) cache.fill(name, read, generation);
  return read;
}

/** Whether the hash of an import was found by the form of that import. */
function isOfItsHash({ hash, hmacKeyId }: MirrorRead, imported: readonly KeptHash[]): boolean {
  const isOldHash = imported.some((one) => one.hmacKeyId === hmacKeyId && one.secretHash.equals(hash));
  return isOldHash || !isHashOfImport(hmacKeyId);
}
