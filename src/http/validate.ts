import type { z } from 'zod';
import { AppError } from '../errors.ts';

const MAX_FIELDS = 20;
const MAX_FIELD_NAME = 100;

/**
 * Parses input of a client.
 * @throws AppError `validation_error` with `details.fields`: field (dotted path) → message.
 */
export function validate<S extends z.ZodType>(
  schema: S,
  value: unknown,
  whole: 'path' | 'query' | 'body',
): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidFields(fieldsOf(parsed.error, whole));
}

/**
 * Refuses a field named `__proto__`, which schemas with free field names drop silently.
 * @throws AppError `validation_error`
 */
export function refuseProto(value: unknown): void {
  const waiting: [string, unknown][] = [['', value]];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const [path, each] = next;
    if (typeof each !== 'object' || each === null) continue;
    for (const [name, inner] of Object.entries(each)) {
      if (name === '__proto__') throw invalidFields({ [`${path}${name}`]: 'This name cannot be used.' });
      if (typeof inner === 'object') waiting.push([`${path}${name}.`.slice(0, MAX_FIELD_NAME), inner]);
    }
  }
}

export function invalidFields(fields: Readonly<Record<string, string>>): AppError {
  return new AppError('validation_error', 'The request is not valid.', { details: { fields } });
}

function fieldsOf(error: z.ZodError, whole: string): Record<string, string> {
  const entries: [string, string][] = error.issues.flatMap(nearest).flatMap((issue): [string, string][] => {
    if (issue.code !== 'unrecognized_keys') return [[nameOf(issue.path, whole), issue.message]];
    return issue.keys.map((key) => [nameOf([...issue.path, key], whole), 'There is no such field.']);
  });
  // Only the first fault of a field: the others usually follow from it.
  const first = new Map(entries.toReversed());
  const inOrder = [...new Set(entries.map(([name]) => name))].slice(0, MAX_FIELDS);
  // fromEntries defines own properties, so that a field named __proto__ is reported like any other.
  return Object.fromEntries(inOrder.map((name) => [name, first.get(name)!]));
}

/** For a union, reports the faults of the alternative with the fewest. */
function nearest(issue: z.core.$ZodIssue): z.core.$ZodIssue[] {
  if (issue.code !== 'invalid_union') return [issue];
  const [best = []] = issue.errors.toSorted((a, b) => a.length - b.length);
  return best.length === 0 ? [issue] : best.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
}

function nameOf(path: readonly PropertyKey[], whole: string): string {
  return path.length === 0 ? whole : path.map(String).join('.').slice(0, MAX_FIELD_NAME).toWellFormed();
}
