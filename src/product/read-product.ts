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

/** What is wrong with a field of the file. */
export type FieldFault = { path: readonly string[]; message: string };

/** A product with its file, for checks that need more than the file. */
export type ProductSource = {
  product: Product;
  /** Returns the error of a start that names each fault with its line. */
  refuseProduct(faults: readonly FieldFault[]): StartError;
};

/**
 * Reads the product's YAML file.
 * @param onOldName is called for each field that has another name now
 * @throws StartError whose message names every fault with its line
 */
export function readProduct(path: string | URL, onOldName?: OnOldName): Product {
  return openProduct(path, onOldName).product;
}

/** Reads the product's YAML file as `readProduct` does, and keeps where its fields are. */
export function openProduct(path: string | URL, onOldName?: OnOldName): ProductSource {
  const shown = path instanceof URL ? path.pathname : path;
  return openText(readText(path, shown), shown, onOldName);
}

/** What is wrong in a product file, and where. What is no YAML has no field. */
export type Fault = { line: number; field?: string; message: string };
export type Checked = {
  product: Product | undefined;
  faults: Fault[];
  oldNames: OldName[];
  /** Returns the line of a field, or of what is around it if it is not there. */
  lineOf: (path: readonly PropertyKey[]) => number;
};

/** @throws StartError whose message names every fault with its line */
export function parseProduct(text: string, shownPath: string, onOldName?: OnOldName): Product {
  return openText(text, shownPath, onOldName).product;
}

/** @throws StartError whose message names every fault with its line */
export function openText(text: string, shownPath: string, onOldName: OnOldName = () => undefined): ProductSource {
  const { product, faults, oldNames, lineOf } = checkProduct(text);
  if (!product) throw unusable(shownPath, faults);
  for (const each of oldNames) onOldName(each);
  return {
    product,
    refuseProduct: (found) =>
      unusable(
        shownPath,
        found.map(({ path, message }) => ({ line: lineOf(path), field: path.join('.'), message })),
      ),
  };
}

/** Finds every fault of a product file; there is a product where there is none. */
export function checkProduct(text: string): Checked {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const at = (path: readonly PropertyKey[]) => lineOf(document, lines, path);
  const wrong = (faults: Fault[]): Checked => ({ product: undefined, faults, oldNames: [], lineOf: at });
  if (document.errors.length > 0)
    return wrong(
      document.errors.map(({ linePos, message }) => ({
        line: linePos?.[0].line ?? 1,
        message: message.split('\n')[0]!,
      })),
    );
  const unsafe = unsafeFields(document.toJS({ maxAliasCount: 100 }));
  if (unsafe.length > 0)
    return wrong(
      unsafe.map((path) => ({ line: at(path), field: path.join('.'), message: 'no field can have this name' })),
    );
  const { file, oldNames, contradictions } = renamed(document.toJS({ maxAliasCount: 100 }));
  if (contradictions.length > 0)
    return wrong(
      contradictions.map(({ old, name }) => ({
        line: at([old]),
        field: old,
        message: `is the old name of ${name}, which is there, too; keep one`,
      })),
    );
  const parsed = ProductFile.safeParse(file);
  const found = oldNames.map(({ old, name }) => ({ old, name, line: at([old]) }));
  if (parsed.success) return { product: parsed.data, faults: [], oldNames: found, lineOf: at };
  const asWritten = ([first, ...rest]: PropertyKey[]) => [
    oldNames.find(({ name }) => name === first)?.old ?? first!,
    ...rest,
  ];
  return wrong(
    parsed.error.issues.map((issue) => {
      const written = issue.path.length === 0 ? [] : asWritten(issue.path);
      // An unknown field is a fault of the object around it, whose line may be far above.
      const place = issue.code === 'unrecognized_keys' ? [...written, ...issue.keys.slice(0, 1)] : written;
      return { line: at(place), field: written.join('.') || 'file', message: issue.message };
    }),
  );
}

/** The paths of fields named `__proto__`, which a schema with free field names drops silently. */
function unsafeFields(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === '__proto__' ? [[...path, name]] : unsafeFields(inner, [...path, name]),
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

/** @throws StartError for a file that cannot be read */
export function readText(path: string | URL, shown: string): string {
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

function unusable(path: string, faults: readonly Fault[]): StartError {
  return new StartError(
    `The configuration ${path} cannot be used:\n${faults.map((each) => `  ${textOf(each)}`).join('\n')}`,
  );
}

function textOf({ line, field, message }: Fault): string {
  return `line ${line}: ${field === undefined ? '' : `${field}: `}${message}`;
}
