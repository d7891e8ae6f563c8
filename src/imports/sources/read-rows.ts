import { readCsv } from './read-csv.ts';
import { readLines } from './read-lines.ts';
import type { SourceRow } from './source-row.ts';

export type FileFormat = 'ndjson' | 'csv';

/** Reads the rows of a file. */
export function readRows(path: string, format: FileFormat): AsyncGenerator<SourceRow> {
  return format === 'csv' ? readCsv(readLines(path)) : readNdjson(path);
}

async function* readNdjson(path: string): AsyncGenerator<SourceRow> {
  for await (const { line, text } of readLines(path)) {
    if (text === undefined) yield { line, fault: 'the line is too long' };
    else if (text.trim() !== '') yield* rowsOf(line, text);
  }
}

function rowsOf(line: number, text: string): SourceRow[] {
  const value = parsed(text);
  if (!isObject(value)) return [{ line, fault: 'the line is no JSON object' }];
  // A saved answer of an API: one page of a list on one line.
  const items: unknown[] = Array.isArray(value['data']) ? value['data'] : [value];
  return items.flatMap((item) => (isObject(item) ? withKeys(line, item) : [{ line, fault: 'an item is no object' }]));
}

/** A consumer with several keys is as many rows. */
function withKeys(line: number, item: Record<string, unknown>): SourceRow[] {
  const { apiKeys, ...consumer } = item;
  if (!Array.isArray(apiKeys)) return [{ line, value: item }];
  return apiKeys.map((key: unknown) =>
    isObject(key) ? { line, value: { ...key, consumer } } : { line, fault: 'a key is no object' },
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
