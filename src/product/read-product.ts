import { readFileSync } from 'node:fs';
import { LineCounter, isNode, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { StartError } from '../errors.ts';
import { ProductFile } from './product.ts';
import type { Product } from './product.ts';

const MAX_BYTES = 1024 * 1024;

/**
 * Reads the product's YAML file.
 * @throws StartError whose message names every fault with its line
 */
export function readProduct(path: string | URL): Product {
  const shown = path instanceof URL ? path.pathname : path;
  return parseProduct(readText(path, shown), shown);
}

export function parseProduct(text: string, shownPath: string): Product {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const faults = document.errors.map(
    (error) => `line ${error.linePos?.[0].line ?? '?'}: ${error.message.split('\n')[0]}`,
  );
  if (faults.length > 0) throw unusable(shownPath, faults);
  const parsed = ProductFile.safeParse(document.toJS({ maxAliasCount: 100 }));
  if (parsed.success) return parsed.data;
  throw unusable(
    shownPath,
    parsed.error.issues.map(
      (issue) =>
        `line ${lineOf(document, lines, issue.path)}: ${[...issue.path].join('.') || 'file'}: ${issue.message}`,
    ),
  );
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
