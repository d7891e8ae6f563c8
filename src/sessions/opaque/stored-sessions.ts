import { makeBoundedCache } from '../../bounded-cache.ts';
import { makeGuardedMemory } from '../../invalidation/guarded-memory.ts';
import type { OpaqueTokens } from '../../secrets.ts';
import type { OpaqueSession, TokenRepository } from './token-repository.ts';

export type OpaqueMemory = ReturnType<typeof makeOpaqueMemory>;
export type StoredSessions = ReturnType<typeof makeStoredSessions>;

type Deps = {
  tokens: Pick<OpaqueTokens, 'hashesOf'>;
  repository: Pick<TokenRepository, 'find'>;
  /** Finds a session where a read costs least; `repository` knows all that was renewed. */
  findNearby: TokenRepository['find'];
  memory: Pick<OpaqueMemory, 'get' | 'fill' | 'generation'>;
  /** Whether this replica receives every invalidation, so that its memory is current. */
  isTrusted: () => boolean;
};

const MAX_SESSIONS = 100_000;

/** Sessions by id, with what their last access token said. */
export function makeOpaqueMemory() {
  return makeGuardedMemory<OpaqueSession>({ max: MAX_SESSIONS, nameIn: ({ sessionId }) => sessionId });
}

/** Finds sessions by their opaque token. */
export function makeStoredSessions({ tokens, repository, findNearby, memory, isTrusted }: Deps) {
  // A token is of one session for good.
  const ids = makeBoundedCache<string>({ max: MAX_SESSIONS });

  async function readBy(find: TokenRepository['find'], token: string): Promise<OpaqueSession | undefined> {
    const hashes = tokens.hashesOf(token);
    if (hashes.length === 0) return undefined;
    const generation = memory.generation();
    const session = await find(hashes);
    if (!session) return undefined;
    ids.set(hashes[0]!.toString('base64url'), session.sessionId);
    if (isTrusted()) memory.fill(session.sessionId, session, generation);
    return session;
  }

  return {
    /** Reads the database. */
    read: (token: string) => readBy(repository.find, token),

    /** Answers from memory while it is current. */
    async find(token: string): Promise<OpaqueSession | undefined> {
      const [hash] = tokens.hashesOf(token);
      const id = hash && ids.get(hash.toString('base64url'));
      return (id !== undefined && isTrusted() ? memory.get(id) : undefined) ?? readBy(findNearby, token);
    },
  };
}
