import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isNode, LineCounter, parseDocument } from 'yaml';

type Json = Readonly<Record<string, unknown>>;
type Place = readonly string[];

export type Specification = {
  /** Returns the line of an operation's answer; undefined for a status that it does not list. */
  lineOfStatus(method: string, path: string, status: number): number | undefined;
  /** Returns the line of a field of an answer; undefined when its schema has none. */
  lineOfField(method: string, path: string, at: { status: number; field: string }): number | undefined;
};

const FILE = join(import.meta.dirname, '..', 'emulator', 'workos-openapi.yaml');

/** Reads the specification, and finds answers and fields by their line. */
export function openSpecification(): Specification {
  const lines = new LineCounter();
  const document = parseDocument(readFileSync(FILE, 'utf8'), { lineCounter: lines });
  const root = document.toJS() as Json;
  const lineOf = (place: Place): number | undefined => {
    const node = document.getIn(place, true);
    return isNode(node) && node.range ? lines.linePos(node.range[0]).line : undefined;
  };
  const operation = (method: string, path: string): Place | undefined => {
    const template = Object.keys(valueAt(root, ['paths']) as Json)
      .filter((each) => new RegExp(`^${each.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path))
      .toSorted((left, right) => left.split('{').length - right.split('{').length)
      .find((each) => valueAt(root, ['paths', each, method.toLowerCase()]) !== undefined);
    return template === undefined ? undefined : ['paths', template, method.toLowerCase(), 'responses'];
  };
  return {
    lineOfStatus: (method, path, status) => {
      const responses = operation(method, path);
      return responses && lineOf([...responses, String(status)]);
    },
    lineOfField: (method, path, { status, field }) => {
      const responses = operation(method, path);
      const schema = responses && [...responses, String(status), 'content', 'application/json', 'schema'];
      const found = schema && find(root, schema, segmentsOf(field));
      return found && lineOf(found);
    },
  };
}

const segmentsOf = (field: string): string[] =>
  field.split('.').flatMap((part) => (part.endsWith('[]') ? [part.slice(0, -2), '[]'] : [part]));

const valueAt = (root: unknown, place: Place): unknown =>
  place.reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], root);

/** Finds a field in a schema through references, alternatives and elements of lists. */
function find(root: Json, place: Place, segments: readonly string[]): Place | undefined {
  const schema = valueAt(root, place) as Json | undefined;
  if (schema === undefined) return undefined;
  const [name, ...rest] = segments;
  if (name === undefined) return place;
  if (typeof schema['$ref'] === 'string') return find(root, schema['$ref'].split('/').slice(1), segments);
  for (const kind of ['allOf', 'oneOf', 'anyOf']) {
    const parts = Array.isArray(schema[kind]) ? schema[kind] : [];
    for (const index of parts.keys()) {
      const found = find(root, [...place, kind, String(index)], segments);
      if (found) return found;
    }
  }
  if (name === '[]') return find(root, [...place, 'items'], rest);
  return find(root, [...place, 'properties', name], rest);
}
