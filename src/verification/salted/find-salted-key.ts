import type { Knex } from 'knex';
import type { KeyFormat } from '../../api-keys/format/key-format.ts';
import type { LocatedKey } from '../../api-keys/format/imported-form.ts';
import type { KeptHash } from '../../api-keys/key.ts';
import { readCandidates } from '../../api-keys/rows/imported-keys.ts';
import type { OverLimit } from '../../limits/guesses/failed-credentials.ts';
import { nameOfGuesser } from '../../limits/guesses/guesser.ts';
import type { Guesser } from '../../limits/guesses/guesser.ts';
import type { HashChecks } from './hash-checks.ts';

type Deps = {
  db: Knex;
  format: Pick<KeyFormat, 'locate'>;
  checks: Pick<HashChecks, 'within' | 'find'>;
};
/** `over`: the guesser is over its limit, and has nothing checked. */
type From = { guesser: Guesser; counted: boolean; over: OverLimit | undefined };

/** Checks at once: of an address or tenant whose failures count, and of a service that names none. */
const OF_GUESSER = 4;
const OF_SERVICE = 64;

/**
 * Finds the row of an imported key whose hash has a salt, on its first use: by its locator, then by checking the hash of
 * each candidate. @returns what stands for the hash in the row
 * @throws CheckRefused
 */
export function makeFindSaltedKey({ db, format, checks }: Deps) {
  async function find(name: string, { hmacKeyId, locator, hashed }: LocatedKey): Promise<KeptHash | undefined> {
    const candidates = (await readCandidates(db, hmacKeyId, [locator])).get(locator) ?? [];
    if (candidates.length === 0) return undefined;
    const found = await checks.find({ name, text: hashed, hashes: candidates.map(({ encoded }) => encoded) });
    const row = candidates[found];
    return row && { hmacKeyId, secretHash: row.secretHash };
  }

  return async function findSaltedKey(
    presented: string,
    { guesser, counted, over }: From,
  ): Promise<KeptHash | undefined> {
    const name = nameOfGuesser(guesser);
    return checks.within({ name, most: counted ? OF_GUESSER : OF_SERVICE, over }, async () => {
      for (const located of format.locate(presented)) {
        const found = await find(name, located);
        if (found) return found;
      }
      return undefined;
    });
  };
}

export type FindSaltedKey = ReturnType<typeof makeFindSaltedKey>;
