import { readFileSync } from 'node:fs';
import { LineCounter, isNode, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { StartError } from '../errors.ts';
import { ProductFile } from './product.ts';
import type { Product } from './product.ts';

const MAX_BYTES = 1024 * 1024;

/** A field that a file has under the name that it had before. */
export type OldName = { old: string; name: string; line: number };
type OnOldName = (found: OldName) => void;
/** The message that a start logs with each old name. */
export const OLD_NAME = 'product file uses the old name of a field; rename it';

/** Fields that have another name now, by their old one. */
const RENAMED: Readonly<Record<string, string>> = { notices: 'webhooks' };

/**
 * Reads the product's YAML file.
 * @param onOldName is called for each field that has another name now
 * @throws StartError whose message names every fault with its line
 */
export function readProduct(path: string | URL, onOldName?: OnOldName): Product {
  const shown = path instanceof URL ? path.pathname : path;
  return parseProduct(readText(path, shown), shown, onOldName);
}

export function parseProduct(text: string, shownPath: string, onOldName: OnOldName = () => undefined): Product {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const faults = document.errors.map(
    (error) => `line ${error.linePos?.[0].line ?? '?'}: ${error.message.split('\n')[0]}`,
  );
  if (faults.length > 0) throw unusable(shownPath, faults);
  const { file, oldNames, contradictions } = renamed(document.toJS({ maxAliasCount: 100 }));
  const lineOfField = (name: string) => lineOf(document, lines, [name]);
  if (contradictions.length > 0)
    throw unusable(
      shownPath,
      contradictions.map(
        ({ old, name }) =>
          `line ${lineOfField(old)}: ${old}: is the old name of ${name}, which is there, too; keep one`,
      ),
    );
  const parsed = ProductFile.safeParse(file);
  if (parsed.success) {
    for (const { old, name } of oldNames) onOldName({ old, name, line: lineOfField(old) });
    return parsed.data;
  }
  const asWritten = ([first, ...rest]: PropertyKey[]) => [
    oldNames.find(({ name }) => name === first)?.old ?? first!,
    ...rest,
  ];
  throw unusable(
    shownPath,
    parsed.error.issues.map((issue) => {
      const path = issue.path.length === 0 ? [] : asWritten(issue.path);
      return `line ${lineOf(document, lines, path)}: ${path.join('.') || 'file'}: ${issue.message}`;
    }),
  );
}

type Names = { old: string; name: string };

/** The file with the names that its fields have now. */
function renamed(file: unknown): { file: unknown; oldNames: Names[]; contradictions: Names[] } {
  if (typeof file !== 'object' || file === null) return { file, oldNames: [], contradictions: [] };
  const oldNames = Object.entries(RENAMED).flatMap(([old, name]) => (Object.hasOwn(file, old) ? [{ old, name }] : []));
  const fields = Object.entries(file).map(([name, value]) => [RENAMED[name] ?? name, value] as const);
  return {
    file: Array.isArray(file) ? file : Object.fromEntries(fields),
    oldNames,
    contradictions: oldNames.filter(({ name }) => Object.hasOwn(file, name)),
  };
}

function readText(path: string | URL, shown: string): string {
  try {
    const bytes = readFileSync(path);
    if (bytes.length > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
    return bytes.toString('utf8');
  } catch (error) {
    throw new StartError(`Cannot read the configuration ${shown}: ${(error as Error).message}`, { cause: error });
  }
}

// Returns the line of the deepest part of the path that exists: a missing field is reported at its parent.
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let depth = path.length; depth >= 0; depth--) {
    const node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}

function unusable(path: string, faults: readonly string[]): StartError {
  return new StartError(`The configuration ${path} cannot be used:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
}
