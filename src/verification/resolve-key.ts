import type { Clock } from '../clock.ts';
import type { KeyFormat } from '../keys/key-format.ts';
import type { FailedCredentials, OverLimit } from '../limits/failed-credentials.ts';
import type { Cached, KeyCache } from './key-cache.ts';
import type { KeyHasher } from './key-hasher.ts';
import type { MirrorRecord, ReadMirror } from './mirror-record.ts';
import type { RenewHash } from './renew-hashes.ts';
import type { Trust } from './trust.ts';
import type { UnknownKeys } from './unknown-keys.ts';

type Deps = {
  format: Pick<KeyFormat, 'secretOf' | 'fits'>;
  hasher: Pick<KeyHasher, 'nameOf' | 'hashesOf' | 'hashKeys'>;
  cache: Pick<KeyCache, 'get' | 'isDue' | 'fill' | 'drop' | 'generation'>;
  unknown: Pick<UnknownKeys, 'has' | 'note'>;
  trust: Pick<Trust, 'isTrusted'>;
  readMirror: ReadMirror;
  renewHash: RenewHash;
  /** Asks WorkOS about a key that the mirror does not know. @returns whether the mirror knows it now */
  adopt: (presented: string, name: string, address: string | undefined) => Promise<boolean>;
  failures: Pick<FailedCredentials, 'overFor' | 'count'>;
  clock: Clock;
};

export type Source = 'cache' | 'mirror' | 'workos';
export type Resolved = { record: MirrorRecord; source: Source; staleMs: number };
/** The key is not known, and nobody looks for it: its address tried too many. */
export type Unsought = { limited: OverLimit };

/** Where a key was presented. `limited` when keys that nobody knows count towards what the address may fail with. */
export type Origin = { address: string | undefined; limited: boolean };

export type KeyResolver = ReturnType<typeof makeKeyResolver>;
export type ResolveKey = KeyResolver['resolveKey'];

export function isUnsought(found: Resolved | Unsought | undefined): found is Unsought {
  return found !== undefined && 'limited' in found;
}

/** As many as are read at once: what is used has a quarter of its time for it. */
const MAX_RENEWING = 200;

/** Finds what a presented key is. Nothing is written on the way. */
export function makeKeyResolver(deps: Deps) {
  const { format, hasher, cache, trust, failures } = deps;
  let renewing = 0;
  const reading = new Map<string, Promise<Resolved | undefined>>();

  // The same secret behind the prefix of another environment is another key, which does not exist.
  const isAs = (presented: string, { record }: Resolved) => format.fits(presented, record.environment);

  /** What is no key by its form alone costs neither a hash nor a look-up. */
  function soughtOf(presented: string): Sought | undefined {
    const secret = format.secretOf(presented);
    return secret === undefined ? undefined : { secret, name: hasher.nameOf(secret) };
  }

  function remembered(key: Sought): Resolved | undefined {
    const kept = trust.isTrusted() ? cache.get(key.name) : undefined;
    if (!kept) return undefined;
    if (cache.isDue(kept)) renew(key);
    return resolved(deps, kept, 'cache');
  }

  /** Reads a key that is remembered. If it cannot be read, whoever uses it when it is forgotten hears why. */
  function renew(key: Sought): void {
    if (renewing >= MAX_RENEWING) return;
    renewing++;
    readAndKeep(deps, key)
      .catch(() => undefined)
      .finally(() => renewing--);
  }

  function read(key: Sought, presented: string, address: string | undefined): Promise<Resolved | undefined> {
    // Joined only while nothing changed: a read from before a revocation must not answer what is asked after it.
    const place = `${cache.generation()} ${key.name}`;
    const running = reading.get(place);
    if (running) return running;
    const started = readThrough(deps, key, presented, address).finally(() => reading.delete(place));
    reading.set(place, started);
    return started;
  }

  /**
   * From memory, from the mirror, or, for a key that was made in WorkOS's dashboard and is used for the first time, from
   * WorkOS.
   * @throws AppError `workos_unavailable` when only WorkOS could have said
   */
  async function resolveKey(presented: string, { address, limited }: Origin): Promise<Resolved | Unsought | undefined> {
    const key = soughtOf(presented);
    const known = key && remembered(key);
    if (known && isAs(presented, known)) return known;
    const over = limited ? failures.overFor(address) : undefined;
    if (over !== undefined) return { limited: over };
    const found = key && !known ? await read(key, presented, address) : undefined;
    if (found && isAs(presented, found)) return found;
    if (!limited) return undefined;
    const refused = await failures.count(address);
    return refused === undefined ? undefined : { limited: refused };
  }

  /** From memory alone. */
  function peekKey(presented: string): Resolved | undefined {
    const key = soughtOf(presented);
    const known = key && remembered(key);
    return known && isAs(presented, known) ? known : undefined;
  }

  return { peekKey, resolveKey };
}

// Counted from before the read: who joined it may not take it for younger than it is.
function resolved({ clock }: Pick<Deps, 'clock'>, { record, readAtMs }: Cached, source: Source): Resolved {
  return { record, source, staleMs: Math.max(0, clock().getTime() - readAtMs) };
}

/** A key's secret, and by which name memory knows it. */
type Sought = { secret: string; name: string };

async function readThrough(
  deps: Deps,
  key: Sought,
  presented: string,
  address: string | undefined,
): Promise<Resolved | undefined> {
  const isUnknown = deps.trust.isTrusted() && deps.unknown.has(key.name);
  const known = isUnknown ? undefined : await readAndKeep(deps, key);
  if (known) return resolved(deps, known, 'mirror');
  if (!(await deps.adopt(presented, key.name, address))) return undefined;
  const adopted = await readAndKeep(deps, key);
  return adopted && resolved(deps, adopted, 'workos');
}

async function readAndKeep(deps: Deps, { secret, name }: Sought): Promise<Cached | undefined> {
  const { hasher, cache, unknown, trust, readMirror, renewHash, clock } = deps;
  const generation = cache.generation();
  const readAtMs = clock().getTime();
  const hashes = hasher.hashesOf(secret, name);
  const found = await readMirror(hashes);
  if (!found) {
    cache.drop(name);
    if (trust.isTrusted()) unknown.note(name, generation);
    return undefined;
  }
  const { record, hash, hashKey } = found;
  const [current] = hashes;
  if (current && (hashKey !== hasher.hashKeys[0] || !current.equals(hash))) renewHash(hash, current);
  if (trust.isTrusted()) cache.fill(name, { record, readAtMs }, generation);
  return { record, readAtMs };
}
