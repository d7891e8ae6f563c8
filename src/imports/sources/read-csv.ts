import type { Line } from './read-lines.ts';
import type { SourceRow } from './source-row.ts';

const MAX_RECORD = 1024 * 1024;

/** Reads CSV as in RFC 4180, whose first record has the names. An empty cell is a value that is not there. */
export async function* readCsv(lines: AsyncIterable<Line>): AsyncGenerator<SourceRow> {
  let names: string[] | undefined;
  for await (const { line, text } of recordsOf(lines)) {
    if (text === '') continue;
    const cells = text === undefined ? undefined : cellsOf(text);
    if (!cells) yield { line, fault: 'the record is no CSV' };
    else if (!names) names = cells.map((cell) => cell.replace(/^\uFEFF/, '').trim());
    else if (cells.length !== names.length)
      yield { line, fault: `the record has ${cells.length} cells, and the first one ${names.length}` };
    else yield { line, value: toValue(names, cells) };
  }
}

function toValue(names: readonly string[], cells: readonly string[]): Record<string, unknown> {
  const filled = names.map((name, i) => [name, cells[i]!] as const).filter(([, cell]) => cell !== '');
  return Object.fromEntries(filled);
}

/** Joins lines while a quoted cell goes on. */
async function* recordsOf(lines: AsyncIterable<Line>): AsyncGenerator<Line> {
  let open: { line: number; text: string } | undefined;
  for await (const { line, text } of lines) {
    const record = open ? { line: open.line, text: `${open.text}\n${text ?? ''}` } : { line, text: text ?? '' };
    // A cell goes on where its quotes are odd in number.
    const isOpen = (open !== undefined) !== (quotesIn(text ?? '') % 2 === 1);
    open = isOpen && text !== undefined && record.text.length <= MAX_RECORD ? record : undefined;
    if (!open) yield { line: record.line, text: isOpen || text === undefined ? undefined : record.text };
  }
  if (open) yield { line: open.line, text: undefined };
}

function quotesIn(text: string): number {
  return text.split('"').length - 1;
}

const CELL = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;

/** @returns undefined where a quote stands in the wrong place */
function cellsOf(record: string): string[] | undefined {
  const cells: string[] = [];
  CELL.lastIndex = 0;
  for (;;) {
    const found = CELL.exec(record);
    if (!found) return undefined;
    const [, quoted, plain = '', end] = found;
    cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === '') return cells;
  }
}
