import type { Clock } from '../clock.ts';
import type { Cached, KeyCache } from './key-cache.ts';
import type { HashKey } from './key-hash.ts';
import type { MirrorRecord, ReadMirror } from './mirror-record.ts';
import type { Trust } from './trust.ts';

type Deps = {
  hashKey: HashKey;
  cache: Pick<KeyCache, 'get' | 'fill' | 'generation'>;
  trust: Pick<Trust, 'isTrusted'>;
  readMirror: ReadMirror;
  /** Asks WorkOS about a key that the mirror does not know. @returns whether the mirror knows it now */
  adopt: (presented: string, hash: Buffer) => Promise<boolean>;
  clock: Clock;
};

export type Source = 'cache' | 'mirror' | 'workos';
export type Resolved = { record: MirrorRecord; source: Source; staleMs: number };

// WorkOS's secrets are opaque words; anything else is no key and costs no look-up.
const KEY = /^[A-Za-z][\w-]{15,250}$/;

export type KeyResolver = ReturnType<typeof makeKeyResolver>;
export type ResolveKey = KeyResolver['resolveKey'];

/** Finds what a presented key is. Nothing is written on the way. */
export function makeKeyResolver(deps: Deps) {
  const reading = new Map<string, Promise<Resolved | undefined>>();

  /** From memory alone. */
  function peekKey(presented: string): Resolved | undefined {
    if (!deps.trust.isTrusted() || !KEY.test(presented)) return undefined;
    const cached = deps.cache.get(nameOf(deps.hashKey(presented)));
    return cached && fromCache(deps, cached);
  }

  /**
   * From memory, from the mirror, or, for a key that was made in WorkOS's dashboard and is used for the first time, from
   * WorkOS.
   * @throws AppError `workos_unavailable` when only WorkOS could have said
   */
  async function resolveKey(presented: string): Promise<Resolved | undefined> {
    if (!KEY.test(presented)) return undefined;
    const hash = deps.hashKey(presented);
    const name = nameOf(hash);
    const cached = deps.trust.isTrusted() ? deps.cache.get(name) : undefined;
    if (cached) return fromCache(deps, cached);
    // Joined only while nothing changed: a read from before a revocation must not answer what is asked after it.
    const place = `${deps.cache.generation()} ${name}`;
    const running = reading.get(place);
    if (running) return running;
    const read = readThrough(deps, presented, hash, name).finally(() => reading.delete(place));
    reading.set(place, read);
    return read;
  }

  return { peekKey, resolveKey };
}

function nameOf(hash: Buffer): string {
  return hash.toString('base64');
}

function fromCache(deps: Deps, cached: Cached): Resolved {
  return resolved(deps, cached, 'cache');
}

// Counted from before the read: who joined it may not take it for younger than it is.
function resolved({ clock }: Deps, { record, readAtMs }: Cached, source: Source): Resolved {
  return { record, source, staleMs: Math.max(0, clock().getTime() - readAtMs) };
}

async function readThrough(deps: Deps, presented: string, hash: Buffer, name: string): Promise<Resolved | undefined> {
  const known = await readAndKeep(deps, hash, name);
  if (known) return resolved(deps, known, 'mirror');
  if (!(await deps.adopt(presented, hash))) return undefined;
  const adopted = await readAndKeep(deps, hash, name);
  return adopted && resolved(deps, adopted, 'workos');
}

async function readAndKeep(
  { cache, trust, readMirror, clock }: Deps,
  hash: Buffer,
  name: string,
): Promise<Cached | undefined> {
  const generation = cache.generation();
  const readAtMs = clock().getTime();
  const record = await readMirror(hash);
  if (!record) return undefined;
  if (trust.isTrusted()) cache.fill(name, { record, readAtMs }, generation);
  return { record, readAtMs };
}
