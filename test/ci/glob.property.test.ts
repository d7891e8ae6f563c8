import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { matchesGlob } from '../../src/ci/conditions/glob.ts';
import { propertyRuns } from '../support/property-runs.ts';

/** The same by a regular expression, which is simple and can be slow. */
function matchesSlowly(glob: string, text: string): boolean {
  const escaped = glob.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&'));
  return new RegExp(`^(?:${escaped.join('[^/:\\p{Cc}]*')})$`, 'u').test(text);
}

const texts = (characters: string, maxLength: number) =>
  fc.array(fc.constantFrom(...characters), { maxLength }).map((all) => all.join(''));

test('matches what the regular expression matches, whatever the glob and the text', () => {
  fc.assert(
    fc.property(texts('ab/:*.\n', 8), texts('ab/:.\n*', 10), (glob, text) => {
      expect(matchesGlob(glob, text)).toBe(matchesSlowly(glob, text));
    }),
    { numRuns: propertyRuns(20_000) },
  );
});

test('matches a text that a glob was made from, with parts without separators replaced by stars', () => {
  const parts = fc.array(texts('abc.', 4), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(parts, fc.infiniteStream(fc.boolean()), fc.constantFrom('/', ':'), (all, isStar, separator) => {
      const glob = all.map((part) => (isStar.next().value ? '*' : part)).join(separator);
      expect(matchesGlob(glob, all.join(separator))).toBe(true);
    }),
  );
});

test('takes no longer for many stars than the product of the lengths', () => {
  const glob = `${'*a'.repeat(200)}*b`;
  expect(matchesGlob(glob, 'a'.repeat(10_000))).toBe(false);
});
