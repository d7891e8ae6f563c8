import type { Found } from './key-pattern.ts';
import { scanStream } from './scan-stream.ts';
import type { Finding } from './scan-stream.ts';

type Options = {
  findKeys: (text: string) => Found[];
  onFile: () => void;
  onFound: (found: Finding, key: string) => void;
};

/** What Git is asked for, so that its configuration does not change what is read here. */
export const DIFF_ARGUMENTS = [
  '-c',
  'core.quotePath=false',
  'diff',
  '--no-color',
  '--no-ext-diff',
  '--no-textconv',
  '--no-renames',
  '--unified=0',
  '--src-prefix=a/',
  '--dst-prefix=b/',
] as const;

const FILE = '+++ ';
const HUNK = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;

/** Finds the keys in the lines that a unified diff without context adds, with their lines in the new file. */
export async function scanDiff(diff: AsyncIterable<Uint8Array>, { findKeys, onFile, onFound }: Options): Promise<void> {
  const lines = linesOf(diff);
  let path = '';
  for (;;) {
    const { value: line, done } = await lines.next();
    if (done) return;
    if (line.startsWith(FILE)) {
      path = pathOf(line);
      onFile();
    }
    const [, removed = '1', first = '1', added = '1'] = HUNK.exec(line) ?? [];
    if (!HUNK.test(line)) continue;
    const left = { removed: Number(removed), added: Number(added) };
    await scanStream(addedLines(lines, left), findKeys, (sighting, key) =>
      onFound({ path, ...sighting, line: sighting.line + Number(first) - 1 }, key),
    );
    // The rest of a hunk that is no text.
    for await (const _ of addedLines(lines, left));
  }
}

/** The lines that the hunk adds, without their mark. */
async function* addedLines(lines: AsyncIterator<string, undefined>, left: { removed: number; added: number }) {
  while (left.removed > 0 || left.added > 0) {
    const { value: line, done } = await lines.next();
    if (done) return;
    if (line.startsWith('-')) left.removed--;
    if (!line.startsWith('+')) continue;
    left.added--;
    yield Buffer.from(`${line.slice(1)}\n`, 'latin1');
  }
}

/** Lines as Latin-1: a character per byte. */
async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, undefined> {
  let pieces: string[] = [];
  for await (const chunk of chunks) {
    const [first = '', ...others] = Buffer.from(chunk).toString('latin1').split('\n');
    pieces.push(first);
    for (const next of others) {
      yield pieces.join('');
      pieces = [next];
    }
  }
  if (pieces.some((piece) => piece !== '')) yield pieces.join('');
  return undefined;
}

/** `+++ b/src/x.ts`; Git quotes names with controls, and ends those with spaces by a tab. */
function pathOf(line: string): string {
  const named = Buffer.from(line.slice(FILE.length), 'latin1').toString().replace(/\t$/, '');
  return named.replace(/^"(.*)"$/, '$1').replace(/^b\//, '');
}
