import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeGrants } from '../../src/permissions/grants.ts';
import { ProductFile } from '../../src/product/product.ts';
import { readProduct } from '../../src/product/read-product.ts';

const EVERSHELL = readProduct(new URL('../../config/evershell.yaml', import.meta.url));
const NAMES = Array.from({ length: 8 }, (_none, i) => `scope:${i}`);
const name = fc.constantFrom(...NAMES);
const some = fc.uniqueArray(name, { maxLength: NAMES.length });
/** What each scope implies; circles, too. */
const implications = fc.tuple(...NAMES.map((own) => some.map((names) => names.filter((each) => each !== own))));
const configured = fc.record({ implications, never: some, follows: fc.boolean(), ofSet: some });

type Configured = { implications: string[][]; never: string[]; follows: boolean; ofSet: string[] };

function grantsOf({ implications: implied, never, follows, ofSet }: Configured) {
  const set = ofSet.filter((each) => !never.includes(each));
  const free = NAMES.filter((each) => !never.includes(each));
  const scopes = NAMES.map((each, i) => ({
    name: each,
    description: each,
    ...(implied[i]!.length > 0 && { implies: implied[i] }),
  }));
  return makeGrants(
    ProductFile.parse({
      ...EVERSHELL,
      scopes: [{ group: 'All', scopes: [...scopes, { name: 'spare', description: 'Spare.' }] }],
      never_granted: never,
      permission_sets: set.length > 0 ? [{ name: 'set', description: 'Set.', scopes: set }] : [],
      chosen_scopes: [...free, 'spare'],
      follow_permission_sets: follows,
    }),
  );
}

const isWithin = (part: Iterable<string>, whole: ReadonlySet<string>) => [...part].every((each) => whole.has(each));

describe('expand', () => {
  test('expands to all reachable scopes without never_granted', () => {
    fc.assert(
      fc.property(configured, some, (given, scopes) => {
        const { expand, implying } = grantsOf(given);
        const reached = new Set(scopes);
        for (let before = -1; before !== reached.size;) {
          before = reached.size;
          for (const each of reached) for (const next of given.implications[NAMES.indexOf(each)]!) reached.add(next);
        }
        expect(implying(scopes)).toEqual(reached);
        expect([...expand(scopes)].toSorted()).toEqual(
          [...reached].filter((each) => !given.never.includes(each)).toSorted(),
        );
      }),
    );
  });

  test('is idempotent and monotonic', () => {
    fc.assert(
      fc.property(configured, some, some, (given, scopes, others) => {
        const { expand } = grantsOf(given);
        expect(expand(expand(scopes))).toEqual(expand(scopes));
        expect(isWithin(expand(scopes), expand([...scopes, ...others]))).toBe(true);
      }),
    );
  });
});

describe('grantedTo', () => {
  test('grants a key its own scopes or those of its set, expanded, without never_granted', () => {
    fc.assert(
      fc.property(configured, some, fc.constantFrom('set', 'gone', undefined), (given, scopes, set) => {
        const { expand, grantedTo, scopesOf } = grantsOf(given);
        const granted = grantedTo(set, scopes);
        expect(granted).toEqual(expand(given.follows && set !== undefined ? scopesOf(set) : scopes));
        expect(given.never.filter((each) => granted.has(each))).toEqual([]);
      }),
    );
  });
});
