import { createReadStream } from 'node:fs';

/** One line of a file, counted from 1; `text` undefined: it is longer than any row. */
export type Line = { line: number; text: string | undefined };

const MAX_LINE = 1024 * 1024;

/** Reads a file line by line. A line of any length takes bounded memory. */
export async function* readLines(path: string): AsyncGenerator<Line> {
  let line = 1;
  let rest = '';
  let isTooLong = false;
  for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: 256 * 1024 })) {
    const parts = (rest + String(chunk)).split('\n');
    rest = parts.pop()!;
    for (const text of parts) {
      yield { line, text: isTooLong || text.length > MAX_LINE ? undefined : withoutReturn(text) };
      isTooLong = false;
      line += 1;
    }
    if (rest.length <= MAX_LINE) continue;
    isTooLong = true;
    rest = '';
  }
  if (rest !== '' || isTooLong) yield { line, text: isTooLong ? undefined : withoutReturn(rest) };
}

function withoutReturn(text: string): string {
  return text.endsWith('\r') ? text.slice(0, -1) : text;
}
