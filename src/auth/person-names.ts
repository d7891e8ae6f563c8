import { makeBoundedCache } from '../bounded-cache.ts';

type Known = { name: string | undefined };

const MAX_NAMES = 10_000;
const REMEMBERED_MS = 24 * 60 * 60_000;
/** Beyond these none is noted; a list that is read again notes its people again. */
const MAX_WANTED = 1_000;
/** An impersonator has an e-mail address for an id. */
const PERSON_ID = /^user_\w{1,59}$/;

export type PersonNames = ReturnType<typeof makePersonNames>;
export type NameOf = PersonNames['nameOf'];

/**
 * Remembers the names of people in memory, for a day. A name is shown beside an id where it is remembered. A missing one
 * is noted, and `makeAskForNames` asks WorkOS for it later, so that no answer waits for WorkOS.
 */
export function makePersonNames({ asks }: { asks: boolean }) {
  const known = makeBoundedCache<Known>({ max: MAX_NAMES, ttl: REMEMBERED_MS });
  const wanted = new Set<string>();

  function want(id: string): null {
    if (asks && wanted.size < MAX_WANTED && PERSON_ID.test(id)) wanted.add(id);
    return null;
  }

  return {
    /** Remembers a name, or that there is none. */
    remember({ id, name }: { id: string; name: string | undefined }): void {
      wanted.delete(id);
      known.set(id, { name });
    },

    /** Returns the name of an actor; null for one that is no person, or whose name is not remembered. */
    nameOf({ kind, id }: { kind: string; id: string }): string | null {
      if (kind !== 'user') return null;
      const person = known.get(id);
      return person ? (person.name ?? null) : want(id);
    },

    /** Lists the people whose names were missing, the longest missing first. */
    wanted: (): string[] => [...wanted],
  };
}
