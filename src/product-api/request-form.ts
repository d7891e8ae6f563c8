import { z } from 'zod';
import { objectOfMembers, overlaps, readerOf, writerOf } from './members.ts';
import type { Report } from './report.ts';
import { fieldAt, isAbsentAllowed, objectsOf, uncovered } from './schema-paths.ts';

type Names = Readonly<Record<string, string>>;
type Given = {
  /** The fields of Latchkey's by the product's names. */
  names: Names;
  /** Values of fields that no request carries. */
  values: Readonly<Record<string, unknown>>;
  /** Where the names and values are in the file. */
  at: { names: string; values: string };
};

/**
 * Makes the schema of a request that has the product's names, and that parses to Latchkey's own input. A fault is named as
 * the product names the field.
 */
export function requestForm(own: z.ZodType, { names, values, at }: Given, report: Report): z.ZodType {
  const used = [...Object.values(names), ...Object.keys(values)];
  reportOverlaps(used, at.names, report);
  for (const [one, other] of overlaps(Object.keys(names))) report([at.names, one], `and '${other}' overlap`);
  const candidates = objectsOf(own, 'in').filter((object) => used.every((path) => fieldAt(object, path, 'in')));
  if (candidates.length === 0) {
    reportUnknown(own, used, { names, at }, report);
    return own;
  }
  const chosen = candidates.find((object) => uncovered(object, used).length === 0);
  if (!chosen) {
    for (const field of uncovered(candidates[0]!, used))
      report([at.names], `lacks Latchkey's required field '${field}'; map it, or give it a value`);
    return own;
  }
  return renamed(own, chosen, { names, values });
}

function reportOverlaps(used: readonly string[], at: string, report: Report): void {
  for (const [one] of overlaps(used)) report([at], `Latchkey's field '${one}' is set twice`);
}

function reportUnknown(own: z.ZodType, used: readonly string[], { names, at }: Omit<Given, 'values'>, report: Report) {
  const objects = objectsOf(own, 'in');
  const unknown = used.filter((path) => !objects.some((object) => fieldAt(object, path, 'in')));
  for (const path of unknown) {
    const name = Object.keys(names).find((one) => names[one] === path);
    report(name === undefined ? [at.values, path] : [at.names, name], `Latchkey has no field '${path}' here`);
  }
  if (unknown.length === 0) report([at.names], "mixes fields of different requests of Latchkey's");
}

function renamed(own: z.ZodType, chosen: z.ZodObject, { names, values }: Omit<Given, 'at'>): z.ZodType {
  const entries = Object.entries(names);
  const members = entries.map(([name, path]) => {
    const { schema, optional } = fieldAt(chosen, path, 'in')!;
    const sent = asSent(schema);
    return [name, optional ? sent.optional() : sent] as const;
  });
  const object = objectOfMembers(members, true);
  const moves = entries.map(([name, path]) => ({ read: readerOf(name), write: writerOf(path) }));
  const constants = Object.entries(values).map(([path, value]) => ({ write: writerOf(path), value }));
  const isOptional = isAbsentAllowed(own) && object.safeParse({}).success;
  return (isOptional ? object.optional() : object).transform((sent, context) => {
    const input = {};
    for (const { read, write } of moves) {
      const value = read(sent);
      if (value !== undefined) write(input, value);
    }
    for (const { write, value } of constants) write(input, value);
    const parsed = own.safeParse(input);
    if (parsed.success) return parsed.data;
    for (const { message, path } of parsed.error.issues)
      context.issues.push({ code: 'custom', message, path: namedBy(entries, path), input: sent });
    return z.NEVER;
  });
}

/** The path of a fault in the product's names; the whole request where the product has no name for it. */
function namedBy(entries: readonly [string, string][], path: readonly PropertyKey[]): PropertyKey[] {
  const own = path.map(String);
  const entry = entries.find(([, field]) => field.split('.').every((name, i) => own[i] === name));
  return entry ? [...entry[0].split('.'), ...path.slice(entry[1].split('.').length)] : [];
}

/** The schema of a value as it is sent: Latchkey's own schema sets defaults and transforms afterwards. */
function asSent(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return described(schema, asSent(schema.unwrap() as z.ZodType).optional());
  if (schema instanceof z.ZodOptional) return described(schema, asSent(schema.unwrap() as z.ZodType).optional());
  if (schema instanceof z.ZodPipe) return described(schema, asSent(schema.in as z.ZodType));
  return schema;
}

function described(from: z.ZodType, to: z.ZodType): z.ZodType {
  const { description } = from;
  return description === undefined ? to : to.describe(description);
}
