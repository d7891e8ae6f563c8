import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { oldWords, placesOf, placesOfTest } from './words.ts';
import type { Place } from './words.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** The TypeScript files of a folder, as paths from the root. The rules of structure name old words on purpose. */
function filesOf(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => `${folder}/${path.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.ts') && !path.includes('/node_modules/') && !path.startsWith('test/structure/'));
}

function placesIn(folders: readonly string[], read: (path: string, text: string) => Place[]): Place[] {
  return folders.flatMap(filesOf).flatMap((path) => read(path, readFileSync(join(ROOT, path), 'utf8')));
}

describe('the words of the glossary', () => {
  test('are those of file names, exports and texts of the sources', () => {
    const places = placesIn(['src', 'scripts', 'bench'], placesOf);
    expect(places.filter(({ what }) => what === 'text').length).toBeGreaterThan(1_500);
    expect(oldWords(places)).toEqual([]);
  });

  test('are those of file names and titles of the tests', () => {
    const places = placesIn(['test'], placesOfTest);
    expect(places.filter(({ what }) => what === 'test title').length).toBeGreaterThan(1_500);
    expect(oldWords(places)).toEqual([]);
  });
});

describe('an old word is found', () => {
  test.each<[string, Place[]]>([
    ['in the name of a file', placesOf('src/webhooks/send-notice.ts', '')],
    ['in an export', placesOf('src/x.ts', 'export function makeNoticesParts() {}')],
    ['in a log message', placesOf('src/x.ts', "log.warn({ err }, 'a hook of billing could not be kept');")],
    ['in an error message', placesOf('src/x.ts', "throw new AppError('x', 'Nobody may change it.');")],
    ['in a text of OpenAPI', placesOf('src/x.ts', "summary: 'Tell of uses of keys',")],
    ['in a text over several lines', placesOf('src/x.ts', 'const usage = `list the letters of\n  an endpoint`;')],
    ['in the title of a test', placesOfTest('test/x.test.ts', "test('an end that WorkOS was not told of', () => {});")],
    ['in the title of a table of tests', placesOfTest('test/x.test.ts', "test.each([1])('mends %s', () => {});")],
  ])('%s', (_where, places) => {
    expect(oldWords(places)).toHaveLength(1);
  });

  test('and neither a comment, a wire name nor SQL is', () => {
    const text = [
      '// what the hook tells',
      "const path = '/v1/hooks/stripe';",
      "const metric = 'latchkey_notices_total';",
      "const sql = 'select told_to from hook_inbox where id = ?';",
    ].join('\n');
    expect(oldWords(placesOf('src/x.ts', text))).toEqual([]);
  });
});
