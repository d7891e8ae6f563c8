import { expect, test } from 'vitest';
import { oldWords } from '../structure/words.ts';
import { documents, proseOf, readPage } from './pages.ts';

// The glossary and the changelog name old words on purpose; decisions are records of their day.
const OLD = /^CHANGELOG\.md$|^docs\/(?:glossary\.md|decisions\/)/;
const isWritten = (text: string) => /`npm run docs:\w+` writes|[Ww]ritten by `npm run/.test(text);

/** What a reader reads: no blocks, no code, no addresses. */
function wordsOf(text: string): string {
  return proseOf(text)
    .replaceAll(/<!--[^]*?-->/g, '')
    .replaceAll(/`[^`]*`/g, '')
    .replaceAll(/\]\([^)]*\)/g, ']');
}

test('documents use the words of the glossary', () => {
  const pages = documents().filter((path) => !OLD.test(path) && !isWritten(readPage(path)));
  expect(pages.length).toBeGreaterThan(30);
  const found = pages.flatMap((path) =>
    oldWords(
      wordsOf(readPage(path))
        .split('\n')
        .map((text) => ({ path, what: 'text', text })),
    ),
  );
  expect(found).toEqual([]);
});
